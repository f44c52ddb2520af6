/* The registry as a platform. */
#ifndef NDC_REGISTRY_REGISTRY_PLATFORM_H
#define NDC_REGISTRY_REGISTRY_PLATFORM_H

#include "core/platform.h"
#include "platforms/registry/registry.h"

extern const struct ndc_platform ndc_registry_platform;

/* Opens the registry of an application: for the daemon and for commands. */
enum ndc_err ndc_registry_start(struct ndc_app *app, struct ndc_registry **out,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* Queues the making and integrating of the demo nation. */
enum ndc_err ndc_registry_submit_demo(struct ndc_registry *registry, uint64_t people,
                                      uint64_t seed, char id[NDC_JOB_ID_LEN + 1],
                                      struct ndc_fault *fault) NDC_MUST_USE;
/* Declares the sources that lie in a folder (*.yaml) and queues a run of each; the run
 * numbers go to `runs` (at most `max`). */
enum ndc_err ndc_registry_declare_folder(struct ndc_registry *registry,
                                         const char *folder, int64_t *runs, size_t max,
                                         size_t *count,
                                         struct ndc_fault *fault) NDC_MUST_USE;

enum { NDC_REGISTRY_COMMANDS = 15 };
extern const struct ndc_command ndc_registry_commands[NDC_REGISTRY_COMMANDS];

#endif
