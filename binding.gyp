{
  # simdjson comes compiled from the npm package's sources, in a target of its own: its warnings are
  # not ours. No -march: kernels are chosen at run time. Include paths of others are -isystem and
  # absolute, because make runs inside build/.
  "variables": {
    "simdjson_dir%": "<!(node -p \"require('path').dirname(require.resolve('@nozbe/simdjson/package.json')) + '/src'\")",
    "napi_dir%": "<!(node -p \"require('path').resolve(require('node-addon-api').include_dir)\")",
  },
  "target_defaults": {
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fexceptions", "-frtti"],
    "cflags_cc": [
      "-std=c++20",
      "-fno-exceptions",
      "-fno-rtti",
      "-fvisibility=hidden",
      "-isystem <(simdjson_dir)",
      "-isystem <(napi_dir)"
    ],
    "defines": [
      "NAPI_VERSION=8",
      "NAPI_DISABLE_CPP_EXCEPTIONS",
      "NODE_ADDON_API_DISABLE_DEPRECATED",
      "SIMDJSON_EXCEPTIONS=0"
    ]
  },
  "targets": [
    {
      "target_name": "simdjson",
      "type": "static_library",
      "sources": ["native/parse/simdjson.cc"]
    },
    {
      "target_name": "meter_fast_core",
      "type": "static_library",
      "include_dirs": ["."],
      "cflags_cc": ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"],
      "sources": [
        "native/base/crc32c.cc",
        "native/base/hash.cc",
        "native/base/kernel.cc",
        "native/base/sha256.cc",
        "native/parse/clock.cc",
        "native/parse/docker_record.cc",
        "native/parse/envelope.cc",
        "native/parse/joined_line.cc",
        "native/parse/line_index.cc",
        "native/parse/line_matcher.cc",
        "native/parse/line_reader.cc",
        "native/parse/line_values.cc",
        "native/parse/match_kernel_avx2.cc",
        "native/parse/match_kernel_avx512.cc",
        "native/parse/match_kernel_neon.cc",
        "native/parse/match_kernel_sse2.cc",
        "native/parse/match_kernels.cc",
        "native/parse/mend.cc",
        "native/parse/number.cc",
        "native/parse/path_tree.cc",
        "native/parse/record_parser.cc",
        "native/parse/route.cc",
        "native/parse/shape_learner.cc",
        "native/parse/shape_store.cc",
        "native/parse/text.cc",
        "native/parse/token_walk.cc",
        "native/parse/usage_record.cc",
        "native/parse/utf8.cc",
        "native/aggregate/long_streams.cc",
        "native/aggregate/stream_meter.cc",
        "native/aggregate/stream_meter_state.cc",
        "native/aggregate/target_cache.cc",
        "native/aggregate/usage_page.cc",
        "native/aggregate/usage_sums.cc",
        "native/aggregate/usage_table.cc",
        "native/aggregate/window_clock.cc",
        "native/read/file_lock.cc",
        "native/read/file_reserve.cc",
        "native/read/file_reader.cc",
        "native/engine/engine.cc",
        "native/engine/format_probe.cc",
        "native/engine/line_folder.cc",
        "native/engine/quarantine.cc"
      ]
    },
    {
      "target_name": "meter_fast",
      "dependencies": ["meter_fast_core", "simdjson"],
      "include_dirs": ["."],
      # A task may end after its worker thread did: then there is nobody left to throw at, and
      # without this the whole process would abort.
      "defines": ["NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc": ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"],
      "sources": [
        "native/addon/addon.cc",
        "native/addon/engine_object.cc",
        "native/addon/engine_task.cc",
        "native/addon/handover.cc",
        "native/addon/js_error.cc",
        "native/addon/older_libraries.cc",
        "native/addon/options.cc",
        "native/addon/pack.cc",
        "native/addon/probe_object.cc"
      ]
    }
  ]
}
