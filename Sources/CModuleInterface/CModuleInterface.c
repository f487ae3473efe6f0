// Headers only: this target exists so that modules and drivers can be written with SwiftPM.
#include "release_handler_driver.h"
#include "release_handler_module.h"
