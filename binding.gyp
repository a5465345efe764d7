{
  "targets": [
    {
      "target_name": "bindport",
      "sources": [
        "native/addon.cc",
        "native/addon_inspection.cc",
        "native/address.cc",
        "native/constants.cc",
        "native/inspection.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "conditions": [
        [
          "OS=='win'",
          {
            "sources": ["native/socket_win.cc"],
            "include_dirs": ["native/win"],
            "libraries": ["ws2_32.lib", "iphlpapi.lib"],
            "msvs_settings": { "VCCLCompilerTool": { "WarningLevel": 4 } }
          },
          {
            "sources": ["native/socket_unix.cc"],
            "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic"],
            "xcode_settings": {
              "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
              "MACOSX_DEPLOYMENT_TARGET": "11.0",
              "WARNING_CFLAGS": ["-Wall", "-Wextra", "-Wpedantic"]
            }
          }
        ],
        [
          "OS=='linux'",
          {
            "sources": ["native/system_linux.cc", "native/guard_linux.cc"],
            "include_dirs": ["native/linux"]
          },
          "OS=='mac'",
          { "sources": ["native/system_mac.cc", "native/guard_other.cc"] },
          "OS=='win'",
          { "sources": ["native/system_win.cc", "native/guard_other.cc"] },
          "OS=='freebsd'",
          { "sources": ["native/system_freebsd.cc", "native/guard_other.cc"] },
          { "sources": ["native/system_other.cc", "native/guard_other.cc"] }
        ]
      ]
    }
  ],
  "conditions": [
    [
      "OS=='linux'",
      {
        "targets": [
          {
            "target_name": "bindport-launcher",
            "type": "executable",
            "sources": ["native/launcher_linux.c"],
            "cflags": ["-Wall", "-Wextra", "-Wpedantic"]
          }
        ]
      }
    ]
  ]
}
