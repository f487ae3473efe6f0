#include "Loader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

rhl_server *rhl_create(void)
{
    rhl_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->names, NULL);
    return server;
}

// The descriptors of what stays mapped stay open: their numbers are taken for good.
static void free_versions(rhl_version *version)
{
    while (version) {
        rhl_version *next = version->next;
        free(version);
        version = next;
    }
}

void rhl_destroy(rhl_server *server)
{
    while (server->modules) {
        rhl_module *module = server->modules;
        rhl_version *current = atomic_exchange(&module->current, NULL);
        if (module->old)
            rhl_retire(module->old);
        if (current)
            rhl_retire(current);
        free_versions(module->residents);
        free_versions(module->unused);
        for (int i = 0; i < RHL_MAX_FUNCTIONS; i++)
            free(atomic_load(&module->functions[i]));
        server->modules = module->next;
        free(module);
    }
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->names);
    free(server);
}

// MARK: Names

rhl_module *rhl_module_named(rhl_server *server, const char *name)
{
    size_t length = strlen(name);
    if (length > RHL_MAX_NAME)
        return NULL;
    pthread_mutex_lock(&server->names);
    rhl_module **link = &server->modules;
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    if (!*link) {
        rhl_module *module = calloc(1, sizeof *module);
        if (module) {
            module->server = server;
            memcpy(module->name, name, length);
            *link = module;
        }
    }
    rhl_module *found = *link;
    pthread_mutex_unlock(&server->names);
    return found;
}

// Only what can be written in C is exported, whatever the language.
static bool is_identifier(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    return length > 0 && length <= RHL_MAX_NAME && name[length] == '\0' && !isdigit((unsigned char)name[0]);
}

int rhl_function_named(rhl_module *module, const char *name)
{
    // A number that no version has a function for, and which takes no room.
    if (!is_identifier(name))
        return RHL_MAX_FUNCTIONS;
    int number = 0;
    pthread_mutex_lock(&module->server->names);
    for (; number < RHL_MAX_FUNCTIONS; number++) {
        const char *known = atomic_load_explicit(&module->functions[number], memory_order_relaxed);
        if (!known || strcmp(known, name) == 0)
            break;
    }
    if (number == RHL_MAX_FUNCTIONS) {
        number = RHL_NO_ROOM;
    } else if (!atomic_load_explicit(&module->functions[number], memory_order_relaxed)) {
        char *kept = strdup(name);
        if (kept)
            atomic_store_explicit(&module->functions[number], kept, memory_order_release);
        else
            number = RHL_NO_ROOM;
    }
    pthread_mutex_unlock(&module->server->names);
    return number;
}

// MARK: Changes

int rhl_load(rhl_server *server, const char *module, const char *identity, int fd, rhl_error *error)
{
    rhl_module *found = rhl_module_named(server, module);
    if (!found) {
        rhl_say(error, "there is no room for the module %s", module);
        return RHL_NO_ROOM;
    }
    pthread_mutex_lock(&server->lock);
    int result = rhl_change(found, identity, fd, error);
    pthread_mutex_unlock(&server->lock);
    return result;
}

// Where there is no room for the name, there is no version either.
int rhl_delete(rhl_server *server, const char *module, rhl_error *error)
{
    rhl_module *found = rhl_module_named(server, module);
    if (!found)
        return RHL_OK;
    pthread_mutex_lock(&server->lock);
    int result = rhl_drop_current(found, error);
    pthread_mutex_unlock(&server->lock);
    return result;
}

int rhl_purge(rhl_server *server, const char *module)
{
    rhl_module *found = rhl_module_named(server, module);
    if (!found)
        return RHL_OK;
    pthread_mutex_lock(&server->lock);
    int result = rhl_drop_old(found);
    pthread_mutex_unlock(&server->lock);
    return result;
}

// MARK: What there is

struct listing {
    rhl_status *list;
    size_t room;
    size_t count;
};

static void add(struct listing *listing, rhl_version *version, enum rhl_state state)
{
    if (!version)
        return;
    if (listing->count < listing->room) {
        rhl_status *status = &listing->list[listing->count];
        memset(status, 0, sizeof *status);
        memcpy(status->module, version->module->name, sizeof status->module);
        memcpy(status->vsn, version->vsn, sizeof status->vsn);
        memcpy(status->identity, version->identity, sizeof status->identity);
        status->state = state;
        status->calls = rhl_calls(version);
        status->holds = atomic_load(&version->holds);
    }
    listing->count++;
}

size_t rhl_versions(rhl_server *server, rhl_status *list, size_t room)
{
    struct listing listing = {list, room, 0};
    pthread_mutex_lock(&server->lock);
    pthread_mutex_lock(&server->names);
    for (rhl_module *module = server->modules; module; module = module->next) {
        add(&listing, atomic_load(&module->current), RHL_CURRENT);
        add(&listing, module->old, RHL_OLD);
        for (rhl_version *resident = module->residents; resident; resident = resident->next)
            add(&listing, resident, RHL_RESIDENT);
    }
    pthread_mutex_unlock(&server->names);
    pthread_mutex_unlock(&server->lock);
    return listing.count;
}
