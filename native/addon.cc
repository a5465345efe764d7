// Unpacks arguments, makes one system call, returns. No policy: src/base/binding.ts is the only
// caller and has validated the arguments; src/base/errors.ts makes the errors.
#include <napi.h>

#include <unordered_set>
#include <vector>

#include "addon_inspection.h"
#include "address.h"
#include "constants.h"
#include "guard.h"
#include "socket.h"

namespace bindport {

namespace {

// getsockopt's value may be any 32-bit integer, negative too. This is added to error numbers, so
// that a failure is a number below all of them.
constexpr double kBelowEveryInt = -4294967296.0;

// The descriptors that this environment owns, closed when it ends: a terminated worker runs no more
// JavaScript that could close them. Every opening and closing updates the list in the same native
// call, since a worker may be terminated between any two calls.
class OwnedDescriptors {
 public:
  OwnedDescriptors() = default;
  OwnedDescriptors(const OwnedDescriptors&) = delete;
  OwnedDescriptors& operator=(const OwnedDescriptors&) = delete;
  ~OwnedDescriptors() {
    for (const Descriptor descriptor : descriptors_) CloseSocket(descriptor);
  }

  bool Add(Descriptor descriptor) { return descriptors_.insert(descriptor).second; }
  void Remove(Descriptor descriptor) { descriptors_.erase(descriptor); }

 private:
  std::unordered_set<Descriptor> descriptors_;
};

int Int(const Napi::CallbackInfo& info, size_t index) {
  return info[index].As<Napi::Number>().Int32Value();
}

Descriptor Fd(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Int64Value(); }

Napi::Value Number(const Napi::CallbackInfo& info, double value) {
  return Napi::Number::New(info.Env(), value);
}

Napi::Value ToObject(const Napi::CallbackInfo& info, const SocketAddress& address) {
  Endpoint endpoint;
  const int error = FormatEndpoint(address, &endpoint);
  if (error != 0) return Number(info, error);
  Napi::Object result = Napi::Object::New(info.Env());
  result["address"] = endpoint.address;
  result["family"] = endpoint.family;
  result["port"] = endpoint.port;
  return result;
}

OwnedDescriptors* Owned(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<OwnedDescriptors>();
}

Napi::Value Opened(const Napi::CallbackInfo& info, Descriptor descriptor) {
  if (descriptor >= 0) Owned(info)->Add(descriptor);
  return Number(info, static_cast<double>(descriptor));
}

Napi::Value Socket(const Napi::CallbackInfo& info) {
  return Opened(info, OpenSocket(Int(info, 0), Int(info, 1), Int(info, 2)));
}

Napi::Value Close(const Napi::CallbackInfo& info) {
  Owned(info)->Remove(Fd(info));
  return Number(info, CloseSocket(Fd(info)));
}

// bind and connect: descriptor, family, address, port.
Napi::Value WithAddress(const Napi::CallbackInfo& info,
                        int (*call)(Descriptor, const SocketAddress&)) {
  const Endpoint endpoint = {Int(info, 1), info[2].As<Napi::String>().Utf8Value(), Int(info, 3)};
  SocketAddress address;
  const int error = ParseEndpoint(endpoint, &address);
  return Number(info, error != 0 ? error : call(Fd(info), address));
}

Napi::Value Bind(const Napi::CallbackInfo& info) { return WithAddress(info, BindSocket); }

Napi::Value Connect(const Napi::CallbackInfo& info) { return WithAddress(info, ConnectSocket); }

Napi::Value Accept(const Napi::CallbackInfo& info) { return Opened(info, AcceptSocket(Fd(info))); }

Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  return Opened(info, DuplicateSocket(Fd(info), Int(info, 1)));
}

Napi::Value Replace(const Napi::CallbackInfo& info) {
  return Number(info, ReplaceSocket(Fd(info), info[1].As<Napi::Number>().Int64Value()));
}

Napi::Value Export(const Napi::CallbackInfo& info) {
  std::vector<uint8_t> bytes;
  const int error = ExportSocket(Fd(info), info[1].As<Napi::Number>().Uint32Value(), &bytes);
  if (error != 0) return Number(info, error);
  return Napi::Buffer<uint8_t>::Copy(info.Env(), bytes.data(), bytes.size());
}

Napi::Value Import(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  return Opened(info, ImportSocket(bytes.Data(), bytes.ByteLength()));
}

Napi::Value Loop(const Napi::CallbackInfo& info) {
  const std::vector<Descriptor> sockets =
      LoopSockets(info.Env(), info[0].As<Napi::Boolean>().Value());
  Napi::Array result = Napi::Array::New(info.Env(), sockets.size());
  for (size_t i = 0; i < sockets.size(); i++) {
    result[static_cast<uint32_t>(i)] = static_cast<double>(sockets[i]);
  }
  return result;
}

Napi::Value Listen(const Napi::CallbackInfo& info) {
  return Number(info, ListenSocket(Fd(info), Int(info, 1)));
}

Napi::Value GetSockName(const Napi::CallbackInfo& info) {
  SocketAddress address;
  const int error = LocalAddress(Fd(info), &address);
  return error != 0 ? Number(info, error) : ToObject(info, address);
}

Napi::Value GetPeerName(const Napi::CallbackInfo& info) {
  SocketAddress address;
  const int error = PeerAddress(Fd(info), &address);
  return error != 0 ? Number(info, error) : ToObject(info, address);
}

Napi::Value LocalPort(const Napi::CallbackInfo& info) {
  SocketAddress address;
  const int error = LocalAddress(Fd(info), &address, AddressSize(Int(info, 1)));
  return Number(info, error != 0 ? error : PortOf(address));
}

Napi::Value Describe(const Napi::CallbackInfo& info) {
  SocketKind kind;
  const int error = DescribeSocket(Fd(info), &kind);
  if (error != 0) return Number(info, error);
  Napi::Object result = Napi::Object::New(info.Env());
  result["family"] = kind.family;
  result["type"] = kind.type;
  result["protocol"] = kind.protocol;
  return result;
}

Napi::Value GetSockOpt(const Napi::CallbackInfo& info) {
  // Zeroed because Windows writes one byte for some booleans.
  int32_t value = 0;
  size_t length = sizeof(value);
  const int error = GetOption(Fd(info), Int(info, 1), Int(info, 2), &value, &length);
  return Number(info, error != 0 ? error + kBelowEveryInt : value);
}

Napi::Value GetSockOptBytes(const Napi::CallbackInfo& info) {
  std::vector<uint8_t> value(info[3].As<Napi::Number>().Uint32Value());
  size_t length = value.size();
  const int error = GetOption(Fd(info), Int(info, 1), Int(info, 2), value.data(), &length);
  if (error != 0) return Number(info, error);
  return Napi::Buffer<uint8_t>::Copy(info.Env(), value.data(), length);
}

Napi::Value GetSockOptInto(const Napi::CallbackInfo& info) {
  Napi::Uint8Array value = info[3].As<Napi::Uint8Array>();
  size_t length = info[4].As<Napi::Number>().Uint32Value();
  if (length > value.ByteLength()) return Number(info, UV_EINVAL);
  const int error = GetOption(Fd(info), Int(info, 1), Int(info, 2), value.Data(), &length);
  return Number(info, error != 0 ? error : static_cast<double>(length));
}

Napi::Value SetSockOpt(const Napi::CallbackInfo& info) {
  const int32_t value = Int(info, 3);
  return Number(info, SetOption(Fd(info), Int(info, 1), Int(info, 2), &value, sizeof(value)));
}

Napi::Value SetSockOptBytes(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array value = info[3].As<Napi::Uint8Array>();
  // setsockopt(2) takes an int for the length; the cast could turn a larger one into a valid, short
  // one.
  if (value.ByteLength() > INT32_MAX) return Number(info, UV_EINVAL);
  return Number(info,
                SetOption(Fd(info), Int(info, 1), Int(info, 2), value.Data(), value.ByteLength()));
}

Napi::Value Own(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Owned(info)->Add(Fd(info)));
}

void Disown(const Napi::CallbackInfo& info) { Owned(info)->Remove(Fd(info)); }

// A guard that is collected, or whose environment ends, is closed; its threads go on without it.
using GuardReference = std::shared_ptr<Guard>;

GuardReference& ToGuard(const Napi::CallbackInfo& info) {
  return *info[0].As<Napi::External<GuardReference>>().Data();
}

Napi::Value OpenGuardOf(const Napi::CallbackInfo& info) {
  const Napi::Array numbers = info[0].As<Napi::Array>();
  std::vector<Descriptor> sockets(numbers.Length());
  for (size_t i = 0; i < sockets.size(); i++) {
    sockets[i] = numbers.Get(static_cast<uint32_t>(i)).As<Napi::Number>().Int64Value();
  }
  GuardReference guard;
  const int error = OpenGuard(sockets, &guard);
  if (error != 0) return Number(info, error);
  return Napi::External<GuardReference>::New(info.Env(), new GuardReference(guard),
                                             [](Napi::Env, GuardReference* reference) {
                                               CloseGuard(reference->get());
                                               delete reference;
                                             });
}

void CloseGuardOf(const Napi::CallbackInfo& info) { CloseGuard(ToGuard(info).get()); }

Napi::Value GuardFailureOf(const Napi::CallbackInfo& info) {
  const GuardFailure failure = FailureOf(ToGuard(info).get());
  if (failure.syscall == nullptr) return info.Env().Undefined();
  Napi::Object result = Napi::Object::New(info.Env());
  result["syscall"] = failure.syscall;
  result["errno"] = failure.error;
  return result;
}

Napi::Value SuperviseFor(const Napi::CallbackInfo& info) {
  return Opened(info, Supervise(ToGuard(info)));
}

}  // namespace

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports["startupError"] = Startup();
  env.SetInstanceData(new OwnedDescriptors());

  Napi::Object constants = Napi::Object::New(env);
  for (size_t i = 0; i < kConstantCount; i++) {
    const auto& [name, value] = kConstants[i];
    if (value) constants[name] = *value;
  }
  exports["constants"] = constants;
  exports["timeoutSize"] = static_cast<double>(kTimeoutSize);
  exports["lingerSize"] = static_cast<double>(kLingerSize);

  exports["socket"] = Napi::Function::New<Socket>(env, "socket");
  exports["close"] = Napi::Function::New<Close>(env, "close");
  exports["bind"] = Napi::Function::New<Bind>(env, "bind");
  exports["connect"] = Napi::Function::New<Connect>(env, "connect");
  exports["accept"] = Napi::Function::New<Accept>(env, "accept");
  exports["duplicate"] = Napi::Function::New<Duplicate>(env, "duplicate");
  exports["replace"] = Napi::Function::New<Replace>(env, "replace");
  exports["exportSocket"] = Napi::Function::New<Export>(env, "exportSocket");
  exports["importSocket"] = Napi::Function::New<Import>(env, "importSocket");
  exports["loopSockets"] = Napi::Function::New<Loop>(env, "loopSockets");
  exports["listen"] = Napi::Function::New<Listen>(env, "listen");
  exports["getsockname"] = Napi::Function::New<GetSockName>(env, "getsockname");
  exports["getpeername"] = Napi::Function::New<GetPeerName>(env, "getpeername");
  exports["localPort"] = Napi::Function::New<LocalPort>(env, "localPort");
  exports["describe"] = Napi::Function::New<Describe>(env, "describe");
  exports["getsockopt"] = Napi::Function::New<GetSockOpt>(env, "getsockopt");
  exports["getsockoptBytes"] = Napi::Function::New<GetSockOptBytes>(env, "getsockoptBytes");
  exports["getsockoptInto"] = Napi::Function::New<GetSockOptInto>(env, "getsockoptInto");
  exports["setsockopt"] = Napi::Function::New<SetSockOpt>(env, "setsockopt");
  exports["setsockoptBytes"] = Napi::Function::New<SetSockOptBytes>(env, "setsockoptBytes");
  exports["own"] = Napi::Function::New<Own>(env, "own");
  exports["disown"] = Napi::Function::New<Disown>(env, "disown");
  exports["openGuard"] = Napi::Function::New<OpenGuardOf>(env, "openGuard");
  exports["closeGuard"] = Napi::Function::New<CloseGuardOf>(env, "closeGuard");
  exports["guardFailure"] = Napi::Function::New<GuardFailureOf>(env, "guardFailure");
  exports["supervise"] = Napi::Function::New<SuperviseFor>(env, "supervise");
  ExportInspection(env, exports);
  return exports;
}

}  // namespace bindport

// The macro takes a plain identifier.
using bindport::Init;
NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
