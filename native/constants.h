#ifndef BINDPORT_CONSTANTS_H_
#define BINDPORT_CONSTANTS_H_

#include <cstddef>

namespace bindport {

struct Constant {
  const char* name;
  int value;
};

extern const Constant kConstants[];
extern const size_t kConstantCount;

}  // namespace bindport

#endif  // BINDPORT_CONSTANTS_H_
