#include "native/addon/read_worker.h"

#include <cstring>
#include <string>

#include "native/addon/js_error.h"

namespace mf::addon {

ReadWorker::ReadWorker(Napi::Env env, EngineObject& target, int fd, uint64_t bytes_max)
    : Napi::AsyncWorker(env),
      target_(target),
      keep_alive_(Napi::Persistent(target.Value())),
      deferred_(env),
      fd_(fd),
      bytes_max_(bytes_max) {}

void ReadWorker::Execute() {
  if (target_.engine_->read(fd_, bytes_max_, got_, error_number_) != Error::kNone) {
    SetError("read");
  }
}

void ReadWorker::OnOK() {
  target_.reading_ = false;
  deferred_.Resolve(Napi::Number::New(Env(), static_cast<double>(got_)));
}

void ReadWorker::OnError(const Napi::Error& /*error*/) {
  target_.reading_ = false;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): pread's errors are known ones, their texts constants.
  const std::string why = std::strerror(error_number_);
  deferred_.Reject(make_error(Env(), kDisk, "a log file cannot be read: " + why).Value());
}

}  // namespace mf::addon
