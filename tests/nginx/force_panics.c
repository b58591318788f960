// Makes the library work while nginx reads its configuration, and panic inside every function in its workers: linked
// into a module for a test, with the library of ffi/examples/forced_panic.rs.

#include <pthread.h>
#include <stdbool.h>

void corsac_force_panics(bool force);
// Named by the linker's arguments, so that this file is linked.
void corsac_panics_in_workers(void);

static void child(void) { corsac_force_panics(true); }

// When nginx loads the module, before a function could be called.
__attribute__((constructor)) void corsac_panics_in_workers(void) { pthread_atfork(NULL, NULL, child); }
