/* What any addon must do to read an int option: the bare Node-API calls around the system call,
 * nothing checked. */
#include <node_api.h>
#include <stdint.h>
#include <sys/socket.h>

static napi_value Read(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  napi_value result;
  size_t count = 3;
  int32_t fd;
  int32_t level;
  int32_t name;
  int32_t value = 0;
  socklen_t length = sizeof(value);
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_int32(env, arguments[0], &fd);
  napi_get_value_int32(env, arguments[1], &level);
  napi_get_value_int32(env, arguments[2], &name);
  getsockopt(fd, level, name, &value, &length);
  napi_create_int32(env, value, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "getsockopt", NAPI_AUTO_LENGTH, Read, NULL, &function);
  napi_set_named_property(env, exports, "getsockopt", function);
  return exports;
}
