#include "native/addon/engine_task.h"

#include <utility>

namespace mf::addon {
namespace {

/// False while a worker thread ends: then no value can be made, and nobody waits for one.
bool can_run_javascript(napi_env env) {
  // One of the calls that say so, and the cheapest to undo.
  napi_value date = nullptr;
  return napi_create_date(env, 0, &date) == napi_ok;
}

}  // namespace

EngineTask::EngineTask(Napi::Env env, EngineObject& target, EngineWork work)
    : Napi::AsyncWorker(env),
      target_(target),
      keep_alive_(Napi::Persistent(target.Value())),
      deferred_(env),
      work_(std::move(work)) {}

Napi::Promise EngineTask::start(Napi::Env env, EngineObject& target, EngineWork work) {
  target.busy_ = true;
  auto* task = new EngineTask(env, target, std::move(work));
  const Napi::Promise promise = task->deferred_.Promise();
  task->Queue();
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): a worker deletes itself when done.
  return promise;
}

void EngineTask::Execute() {
  if (work_.run(*target_.engine_) != Error::kNone) {
    SetError("failed");
  }
}

void EngineTask::OnOK() {
  target_.busy_ = false;
  if (can_run_javascript(Env())) {
    deferred_.Resolve(work_.answer ? work_.answer(Env()) : Env().Undefined());
  }
}

void EngineTask::OnError(const Napi::Error& /*error*/) {
  target_.busy_ = false;
  if (can_run_javascript(Env())) {
    deferred_.Reject(work_.failure(Env()).Value());
  }
}

void FreeTask::start(Napi::Env env, std::unique_ptr<Engine> engine) {
  auto* task = new FreeTask(env, std::move(engine));
  task->Queue();
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): a worker deletes itself when done.
}

}  // namespace mf::addon
