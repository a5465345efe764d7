#ifndef BINDPORT_ADDON_INSPECTION_H_
#define BINDPORT_ADDON_INSPECTION_H_

#include <node_api.h>

namespace bindport {

// Adds the functions of inspection.h and system.h to the addon's exports.
void ExportInspection(napi_env env, napi_value exports);

}  // namespace bindport

#endif  // BINDPORT_ADDON_INSPECTION_H_
