#pragma once
#include "CHost.h"

// What a child between clone and exec does to itself: system calls only, nothing is allocated. Where one fails, errno says why.

/// A mount namespace of its own. Returns what it failed at, CHOST_STAGE_NONE where it did not; `subject` is the directory it was about.
enum chost_stage confine_mounts(const struct chost_confinement *confinement, const char **subject);

/// Before the change of user: what else the change would take is kept. Returns 0 or -1.
int confine_bounding_set(const struct chost_confinement *confinement);

/// After the change of user. Returns 0 or -1.
int confine_capabilities(const struct chost_confinement *confinement);

/// The last before exec: from here on it makes no other calls than those of the filter. Returns 0 or -1.
int confine_calls(const void *program, size_t count);
