#define _GNU_SOURCE
#include "Confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Mounts: calls of Linux 5.2 and 5.12 that older C libraries do not know. Their numbers are the same on all machines.
enum { CALL_OPEN_TREE = 428, CALL_MOVE_MOUNT = 429, CALL_MOUNT_SETATTR = 442 };
enum { TREE_CLONE = 1, MOVE_FROM_DESCRIPTOR = 0x4, MOVE_TO_LINKED = 0x10, WITH_MOUNTS_BELOW = 0x8000 };

// A copy of what is mounted at a path and below it, attached nowhere yet.
static int copy_tree(const char *path)
{
    return (int)syscall(CALL_OPEN_TREE, AT_FDCWD, path, TREE_CLONE | O_CLOEXEC | WITH_MOUNTS_BELOW);
}

static int attach(int tree, const char *path)
{
    return (int)syscall(CALL_MOVE_MOUNT, tree, "", AT_FDCWD, path, MOVE_FROM_DESCRIPTOR | MOVE_TO_LINKED);
}

static int set_read_only(int directory, const char *path, int flags)
{
    struct {
        uint64_t set, clear, propagation, user_namespace;
    } attributes = {.set = 1};
    return (int)syscall(CALL_MOUNT_SETATTR, directory, path, WITH_MOUNTS_BELOW | flags, &attributes, sizeof attributes);
}

// One that is not there needs no protection.
static int protect_directory(const char *path)
{
    int tree = copy_tree(path);
    if (tree < 0)
        return errno == ENOENT ? 0 : -1;
    if (set_read_only(tree, "", AT_EMPTY_PATH) < 0 || attach(tree, path) < 0)
        return -1;
    return close(tree);
}

// Of ProtectSystem=, in systemd.exec(5).
static const char *const interfaces[] = {"/dev", "/proc", "/sys"};
static const char *const protected_directories[] = {"/usr", "/boot", "/efi", "/etc"};
enum { INTERFACES = 3, PROTECTED = 3, PROTECTED_FULLY = 4 };

// What is to stay as it is, is copied before and put over what is read-only then.
static enum chost_stage protect_system(const struct chost_confinement *confinement, const char **subject)
{
    int is_strict = confinement->protection == CHOST_PROTECTION_STRICT;
    int first = is_strict ? INTERFACES : 0, count = first + confinement->read_write_count;
    int copies[count > 0 ? count : 1];
    for (int i = 0; i < count; i++) {
        *subject = i < first ? interfaces[i] : confinement->read_write_paths[i - first];
        copies[i] = copy_tree(*subject);
        if (copies[i] < 0 && (errno != ENOENT || i >= first))
            return i < first ? CHOST_STAGE_PROTECT_SYSTEM : CHOST_STAGE_READ_WRITE_PATHS;
    }
    if (is_strict) {
        *subject = "/";
        if (set_read_only(AT_FDCWD, "/", 0) < 0)
            return CHOST_STAGE_PROTECT_SYSTEM;
    }
    int directories = is_strict ? 0 : confinement->protection == CHOST_PROTECTION_FULL ? PROTECTED_FULLY : PROTECTED;
    for (int i = 0; i < directories; i++) {
        *subject = protected_directories[i];
        if (protect_directory(*subject) < 0)
            return CHOST_STAGE_PROTECT_SYSTEM;
    }
    for (int i = 0; i < count; i++) {
        if (copies[i] < 0)
            continue;
        *subject = i < first ? interfaces[i] : confinement->read_write_paths[i - first];
        if (attach(copies[i], *subject) < 0)
            return i < first ? CHOST_STAGE_PROTECT_SYSTEM : CHOST_STAGE_READ_WRITE_PATHS;
        close(copies[i]);
    }
    return CHOST_STAGE_NONE;
}

// In memory, which is that of its control group.
static int make_private(const char *directory)
{
    if (mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=10%") < 0)
        return errno == ENOENT ? 0 : -1;
    return 0;
}

enum chost_stage confine_mounts(const struct chost_confinement *confinement, const char **subject)
{
    if (!confinement->has_private_tmp && confinement->protection == CHOST_PROTECTION_NONE)
        return CHOST_STAGE_NONE;
    *subject = "/";
    // What is mounted on the machine later is seen here, and nothing of this there.
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return confinement->has_private_tmp ? CHOST_STAGE_PRIVATE_TMP : CHOST_STAGE_PROTECT_SYSTEM;
    if (confinement->protection != CHOST_PROTECTION_NONE) {
        enum chost_stage failed = protect_system(confinement, subject);
        if (failed != CHOST_STAGE_NONE)
            return failed;
    }
    static const char *const directories[] = {"/tmp", "/var/tmp"};
    for (int i = 0; confinement->has_private_tmp && i < 2; i++) {
        *subject = directories[i];
        if (make_private(*subject) < 0)
            return CHOST_STAGE_PRIVATE_TMP;
    }
    return CHOST_STAGE_NONE;
}

// Capabilities: what is not in the bounding set no program of the process' will ever have.
int confine_bounding_set(const struct chost_confinement *confinement)
{
    for (int number = 0; number < 64; number++) {
        int has = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (has < 0)
            break;
        if (!has || confinement->capabilities >> number & 1 || prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0)
            continue;
        // Without CAP_SETPCAP. Where no program that is executed gets more than it has, the set bounds nothing.
        if (errno != EPERM || !confinement->no_new_privs)
            return -1;
    }
    return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

int confine_capabilities(const struct chost_confinement *confinement)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (int half = 0; half < 2; half++) {
        uint32_t bits = (uint32_t)(confinement->capabilities >> 32 * half);
        data[half] = (struct __user_cap_data_struct){.effective = bits, .permitted = bits, .inheritable = bits};
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return -1;
    // A program keeps what is ambient, whoever's it is.
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -1;
    for (int number = 0; number < 64; number++)
        if (confinement->capabilities >> number & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
            return -1;
    return 0;
}

uint64_t chost_permitted_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

int confine_calls(const void *program, size_t count)
{
    struct sock_fprog filter = {.len = (unsigned short)count, .filter = (struct sock_filter *)program};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}
