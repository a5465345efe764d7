#ifndef BINDPORT_CONSTANTS_H_
#define BINDPORT_CONSTANTS_H_

#include <cstddef>
#include <optional>

namespace bindport {

struct Constant {
  const char* name;
  std::optional<int> value;  // none where the platform lacks it
};

extern const Constant kConstants[];
extern const size_t kConstantCount;

}  // namespace bindport

#endif  // BINDPORT_CONSTANTS_H_
