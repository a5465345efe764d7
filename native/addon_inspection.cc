// As addon.cc: unpacks arguments, makes one call, returns. In plain Node-API, because its calls
// fail once a worker is being terminated: then these functions return nothing, and nobody reads it.
#include "addon_inspection.h"

#include "system.h"

namespace bindport {

namespace {

constexpr size_t kMostArguments = 6;

class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kMostArguments;
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
  }

  int64_t Integer(size_t index) const {
    int64_t value = -1;
    napi_get_value_int64(env_, values_[index], &value);
    return value;
  }

  std::string Text(size_t index) const {
    size_t length = 0;
    napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length);
    std::string text(length, '\0');
    napi_get_value_string_utf8(env_, values_[index], &text[0], length + 1, &length);
    return text;
  }

  uint64_t BigInt(size_t index) const {
    uint64_t value = 0;
    bool lossless;
    napi_get_value_bigint_uint64(env_, values_[index], &value, &lossless);
    return value;
  }

  // The elements of a typed array of that type; none of anything else.
  template <typename Element>
  Element* Elements(size_t index, napi_typedarray_type expected, size_t* length) const {
    napi_typedarray_type type;
    void* data;
    *length = 0;
    if (napi_get_typedarray_info(env_, values_[index], &type, length, &data, nullptr, nullptr) !=
            napi_ok ||
        type != expected) {
      *length = 0;
      return nullptr;
    }
    return static_cast<Element*>(data);
  }

  // Three typed arrays from `index` on: levels, names and lengths; results; values. 0, or UV_EINVAL
  // where a result or a value would not fit.
  int Reads(size_t index, OptionReads* reads) const {
    static_assert(sizeof(OptionRead) == 3 * sizeof(int32_t), "");
    size_t numbers, results, room;
    reads->options =
        reinterpret_cast<OptionRead*>(Elements<int32_t>(index, napi_int32_array, &numbers));
    reads->results = Elements<int32_t>(index + 1, napi_int32_array, &results);
    reads->values = Elements<uint8_t>(index + 2, napi_uint8_array, &room);
    reads->count = numbers / 3;
    if (numbers % 3 != 0 || results < reads->count) return UV_EINVAL;
    const int64_t size = ValuesSize(reads->options, reads->count);
    return size < 0 || static_cast<uint64_t>(size) > room ? UV_EINVAL : 0;
  }

 private:
  napi_env env_;
  napi_value values_[kMostArguments] = {};
};

napi_value Number(napi_env env, const double& value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

napi_value Text(napi_env env, const std::string& text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

// An array of what `item` makes of the elements.
template <typename Element>
napi_value Array(napi_env env, const std::vector<Element>& elements,
                 napi_value (*item)(napi_env, const Element&)) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, elements.size(), &array) != napi_ok) return nullptr;
  for (size_t i = 0; i < elements.size(); i++) {
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return nullptr;
    const napi_value value = item(env, elements[i]);
    const bool set = value != nullptr &&
                     napi_set_element(env, array, static_cast<uint32_t>(i), value) == napi_ok;
    napi_close_handle_scope(env, scope);
    if (!set) return nullptr;
  }
  return array;
}

class Object {
 public:
  explicit Object(napi_env env) : env_(env) { napi_create_object(env, &value_); }

  void Set(const char* name, napi_value value) {
    if (value_ != nullptr && value != nullptr) napi_set_named_property(env_, value_, name, value);
  }
  void Set(const char* name, double value) { Set(name, Number(env_, value)); }
  void Set(const char* name, const Endpoint& endpoint) {
    Object object(env_);
    object.Set("address", Text(env_, endpoint.address));
    object.Set("family", endpoint.family);
    object.Set("port", endpoint.port);
    Set(name, object.value());
  }
  // A number that is negative where there is none.
  void SetKnown(const char* name, double value) {
    if (value >= 0) Set(name, value);
  }

  napi_value value() const { return value_; }

 private:
  napi_env env_;
  napi_value value_ = nullptr;
};

void SetAddress(Object* object, const char* name, int error, const SocketAddress& address) {
  Endpoint endpoint;
  if (error == 0 && FormatEndpoint(address, &endpoint) == 0) object->Set(name, endpoint);
}

napi_value Inspected(napi_env env, int error, const SocketInspection& inspection) {
  if (error != 0) return Number(env, error);
  Object object(env);
  object.Set("family", inspection.kind.family);
  object.Set("type", inspection.kind.type);
  object.Set("protocol", inspection.kind.protocol);
  SetAddress(&object, "local", inspection.local_error, inspection.local);
  SetAddress(&object, "remote", inspection.remote_error, inspection.remote);
  object.SetKnown("unread", static_cast<double>(inspection.unread));
  object.SetKnown("unsent", static_cast<double>(inspection.unsent));
  return object.value();
}

napi_value ReadSocketOptions(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  OptionReads reads;
  const int error = arguments.Reads(1, &reads);
  if (error == 0) ReadOptions(arguments.Integer(0), reads);
  return Number(env, error);
}

napi_value Inspect(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  OptionReads reads;
  SocketInspection inspection;
  int error = arguments.Reads(1, &reads);
  if (error == 0) error = InspectSocket(arguments.Integer(0), reads, &inspection);
  return Inspected(env, error, inspection);
}

napi_value InspectOf(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  OptionReads reads;
  SocketInspection inspection;
  int error = arguments.Reads(3, &reads);
  if (error == 0) {
    error = InspectSocketOf(static_cast<uint32_t>(arguments.Integer(0)), arguments.Integer(1),
                            arguments.BigInt(2), reads, &inspection);
  }
  return Inspected(env, error, inspection);
}

napi_value Diagnose(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  size_t length;
  const uint8_t* requests = arguments.Elements<uint8_t>(0, napi_uint8_array, &length);
  std::vector<uint8_t> replies;
  const int error =
      SocketDiag(requests, length, static_cast<size_t>(arguments.Integer(1)), &replies);
  if (error != 0) return Number(env, error);
  napi_value result = nullptr;
  napi_create_buffer_copy(env, replies.size(), replies.data(), nullptr, &result);
  return result;
}

napi_value Held(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  size_t count;
  const uint32_t* inodes = arguments.Elements<uint32_t>(1, napi_uint32_array, &count);
  std::vector<HeldSocket> held;
  const int error =
      HeldSockets(static_cast<uint32_t>(arguments.Integer(0)), inodes, count,
                  static_cast<size_t>(arguments.Integer(2)), arguments.Integer(3) == 1, &held);
  if (error != 0) return Number(env, error);
  std::vector<double> numbers;
  for (const HeldSocket& socket : held) {
    numbers.push_back(socket.inode);
    numbers.push_back(static_cast<double>(socket.descriptor));
  }
  return Array(env, numbers, Number);
}

napi_value Listed(napi_env env, const SystemSocket& socket) {
  Object object(env);
  object.Set("family", socket.family);
  object.Set("type", socket.type);
  object.Set("protocol", socket.protocol);
  if (socket.state != nullptr) object.Set("state", Text(env, socket.state));
  object.Set("local", socket.local);
  if (socket.remote.family != 0) object.Set("remote", socket.remote);
  object.SetKnown("pid", static_cast<double>(socket.process));
  object.SetKnown("fd", static_cast<double>(socket.descriptor));
  object.SetKnown("uid", static_cast<double>(socket.user));
  object.SetKnown("queue", static_cast<double>(socket.queue));
  object.SetKnown("backlog", static_cast<double>(socket.backlog));
  object.SetKnown("unread", static_cast<double>(socket.unread));
  object.SetKnown("unsent", static_cast<double>(socket.unsent));
  if (socket.id != 0) {
    napi_value id = nullptr;
    napi_create_bigint_uint64(env, socket.id, &id);
    object.Set("id", id);
  }
  return object.value();
}

napi_value InterfaceName(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return Text(env, FormatZone(static_cast<uint32_t>(arguments.Integer(0))));
}

napi_value InterfaceIndex(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return Number(env, ParseZone(arguments.Text(0).c_str()));
}

napi_value List(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::vector<SystemSocket> sockets;
  const int error = ListSockets(arguments.Integer(0), &sockets);
  return error != 0 ? Number(env, error) : Array(env, sockets, Listed);
}

napi_value OfProcess(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  SystemProcess process;
  const int error = DescribeProcess(static_cast<uint32_t>(arguments.Integer(0)), &process);
  if (error != 0) return Number(env, error);
  Object object(env);
  if (!process.name.empty()) object.Set("name", Text(env, process.name));
  object.Set("command", Array(env, process.command, Text));
  if (!process.user.empty()) object.Set("user", Text(env, process.user));
  object.SetKnown("started", process.started);
  return object.value();
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) != napi_ok)
    return;
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

void ExportInspection(napi_env env, napi_value exports) {
  Export(env, exports, "readOptions", ReadSocketOptions);
  Export(env, exports, "inspect", Inspect);
  Export(env, exports, "inspectOf", InspectOf);
  Export(env, exports, "socketDiag", Diagnose);
  Export(env, exports, "heldSockets", Held);
  Export(env, exports, "interfaceIndex", InterfaceIndex);
  Export(env, exports, "interfaceName", InterfaceName);
  Export(env, exports, "listSockets", List);
  Export(env, exports, "describeProcess", OfProcess);
}

}  // namespace bindport
