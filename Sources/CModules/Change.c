#include "Loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

// The changes of a module's versions. All of it is under the server's lock.

static bool is_identity(const char *text)
{
    size_t length = strspn(text, "0123456789abcdefABCDEF");
    return length == RHL_IDENTITY_SIZE && text[length] == '\0';
}

static bool is_version(const rhl_version *version, const char *identity)
{
    return version && strcasecmp(version->identity, identity) == 0;
}

static bool is_file_of(const rhl_version *version, const struct stat *file)
{
    return version && version->library.device == file->st_dev && version->library.inode == file->st_ino;
}

// Whether the dynamic linker would take this file for one that it has. One that was written over has new bytes under its
// old number.
static bool is_mapped(rhl_server *server, int fd)
{
    struct stat file;
    bool found = false;
    if (fstat(fd, &file) < 0)
        return false;
    pthread_mutex_lock(&server->names);
    for (rhl_module *module = server->modules; module && !found; module = module->next) {
        found = is_file_of(atomic_load(&module->current), &file) || is_file_of(module->old, &file);
        for (rhl_version *resident = module->residents; resident && !found; resident = resident->next)
            found = is_file_of(resident, &file);
    }
    pthread_mutex_unlock(&server->names);
    return found;
}

static rhl_version *take_resident(rhl_module *module, const char *identity)
{
    for (rhl_version **link = &module->residents; *link; link = &(*link)->next) {
        rhl_version *version = *link;
        if (!is_version(version, identity))
            continue;
        *link = version->next;
        version->next = NULL;
        return version;
    }
    return NULL;
}

// The counts stay as they are: Version.c says why.
static rhl_version *take_unused(rhl_module *module)
{
    rhl_version *version = module->unused;
    if (version) {
        module->unused = version->next;
    } else {
        version = aligned_alloc(STRIPE_BYTES, sizeof *version);
        if (!version)
            return NULL;
        memset(version, 0, sizeof *version);
        version->module = module;
    }
    version->next = NULL;
    version->has_begun = false;
    version->vsn[0] = '\0';
    for (int i = 0; i < RHL_MAX_FUNCTIONS; i++)
        atomic_store_explicit(&version->functions[i], NULL, memory_order_relaxed);
    return version;
}

static void put_unused(rhl_version *version)
{
    version->next = version->module->unused;
    version->module->unused = version;
}

// What kept a resident may be gone: the thread whose destructors were to run, another user of the library.
static void close_residents(rhl_module *module)
{
    for (rhl_version **link = &module->residents; *link;) {
        rhl_version *version = *link;
        rhl_version *next = version->next;
        if (rhl_close_library(&version->library)) {
            *link = next;
            put_unused(version);
        } else {
            link = &version->next;
        }
    }
}

void rhl_retire(rhl_version *version)
{
    close_residents(version->module);
    if (version->has_begun) {
        rhm_unload_function *unload = (rhm_unload_function *)rhl_symbol(&version->library, "rhm_module_unload");
        if (unload)
            unload();
        version->has_begun = false;
    }
    if (rhl_close_library(&version->library)) {
        put_unused(version);
        return;
    }
    rhl_version **end = &version->module->residents;
    while (*end)
        end = &(*end)->next;
    version->next = NULL;
    *end = version;
}

// What the library says of itself.
static bool check_info(rhl_version *version, rhl_error *error)
{
    const char *name = version->module->name;
    rhm_info_function *ask = (rhm_info_function *)rhl_symbol(&version->library, "rhm_module_info");
    if (!ask) {
        rhl_say(error, "%s.so is no functional module: it does not export rhm_module_info", name);
        return false;
    }
    const rhm_info *info = ask();
    if (!info) {
        rhl_say(error, "rhm_module_info of %s.so returns nothing", name);
        return false;
    }
    // What else is in the structure depends on it.
    if (info->abi != RHM_ABI) {
        rhl_say(error, "%s.so was made for version %u of the interface of modules, this program has version %u", name,
            (unsigned)info->abi, (unsigned)RHM_ABI);
        return false;
    }
    if (!info->name || strcmp(info->name, name) != 0) {
        rhl_say(error, "%s.so says that its name is %.*s", name, RHL_MAX_NAME, info->name ? info->name : "nothing");
        return false;
    }
    size_t length = info->vsn ? strnlen(info->vsn, RHL_MAX_NAME + 1) : 0;
    if (!info->vsn || length > RHL_MAX_NAME) {
        rhl_say(error, info->vsn ? "the vsn of %s.so is longer than %d bytes" : "%s.so has no vsn", name, RHL_MAX_NAME);
        return false;
    }
    for (size_t i = 0, count; i < length; i += count) {
        count = rhl_character_length(info->vsn + i);
        if (count == 0) {
            rhl_say(error, "the vsn of %s.so is no UTF-8", name);
            return false;
        }
    }
    memcpy(version->vsn, info->vsn, length + 1);
    return true;
}

static bool begin(rhl_version *version, rhl_error *error)
{
    if (!check_info(version, error))
        return false;
    rhm_load_function *load = (rhm_load_function *)rhl_symbol(&version->library, "rhm_module_load");
    int32_t result = load ? load() : 0;
    if (result != 0) {
        rhl_say(error, "%s.so does not want to be loaded: its rhm_module_load returned %d", version->module->name, result);
        return false;
    }
    version->has_begun = true;
    // Looked up now, under locks of the dynamic linker's, so that nobody who calls waits for them.
    for (int i = 0; i < RHL_MAX_FUNCTIONS; i++)
        if (atomic_load_explicit(&version->module->functions[i], memory_order_acquire))
            rhl_look_up(version, i);
    return true;
}

// A version that could be the current one. What stayed mapped is taken again: a second copy would stay, too.
static int prepare(rhl_module *module, const char *identity, int fd, rhl_version **prepared, rhl_error *error)
{
    rhl_version *version = take_resident(module, identity);
    if (!version) {
        version = take_unused(module);
        if (!version) {
            rhl_say(error, "there is no memory for %s.so", module->name);
            return RHL_NO_ROOM;
        }
        int result = rhl_open_library(&version->library, module->name, fd, is_mapped(module->server, fd), error);
        if (result != RHL_OK) {
            put_unused(version);
            return result;
        }
        memcpy(version->identity, identity, sizeof version->identity);
    }
    if (!begin(version, error)) {
        rhl_retire(version);
        return RHL_BAD_LIBRARY;
    }
    *prepared = version;
    return RHL_OK;
}

static bool is_old_in_use(rhl_module *module, rhl_error *error)
{
    rhl_version *old = module->old;
    if (!old || !rhl_is_in_use(old))
        return false;
    rhl_say(error, "the old version of %s, %s, is still in use", module->name, old->vsn);
    return true;
}

int rhl_change(rhl_module *module, const char *identity, int fd, rhl_error *error)
{
    rhl_version *current = atomic_load(&module->current), *old = module->old;
    if (!is_identity(identity)) {
        rhl_say(error, "the identity of %s.so is none: it has 64 hexadecimal digits", module->name);
        return RHL_BAD_LIBRARY;
    }
    if (is_version(current, identity))
        return RHL_OK;
    if (is_version(old, identity)) {
        module->old = current;
        atomic_store(&module->current, old);
        return RHL_OK;
    }
    // Read as unused here, it stays so while the new one is opened.
    if (is_old_in_use(module, error))
        return RHL_IN_USE;
    rhl_version *version = NULL;
    int result = prepare(module, identity, fd, &version, error);
    if (result != RHL_OK)
        return result;
    module->old = current;
    atomic_store(&module->current, version);
    if (old)
        rhl_retire(old);
    return RHL_OK;
}

int rhl_drop_current(rhl_module *module, rhl_error *error)
{
    rhl_version *current = atomic_load(&module->current);
    if (!current)
        return RHL_OK;
    if (is_old_in_use(module, error))
        return RHL_IN_USE;
    rhl_version *old = module->old;
    module->old = current;
    atomic_store(&module->current, NULL);
    if (old)
        rhl_retire(old);
    return RHL_OK;
}

int rhl_drop_old(rhl_module *module)
{
    rhl_version *old = module->old;
    if (!old) {
        close_residents(module);
        return RHL_OK;
    }
    if (rhl_is_in_use(old))
        return RHL_IN_USE;
    module->old = NULL;
    rhl_retire(old);
    return RHL_OK;
}
