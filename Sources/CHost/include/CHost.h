#pragma once
#include <stddef.h>
#include <stdint.h>

// What Swift can't say by itself: a child between clone and exec, descriptors in control messages, and
// the few calls whose C declarations are macros, variadic, or not in Swift's Glibc module.
//
// Only fixed-width types, and no system headers: Swift would take what those declare for this module's.

/// What the child was doing when it failed.
enum chost_stage {
    CHOST_STAGE_NONE = 0,
    CHOST_STAGE_CLONE,
    CHOST_STAGE_CGROUP,
    CHOST_STAGE_PROCESS_GROUP,
    CHOST_STAGE_DESCRIPTORS,
    CHOST_STAGE_PRIVATE_TMP,
    CHOST_STAGE_PROTECT_SYSTEM,
    CHOST_STAGE_READ_WRITE_PATHS,
    CHOST_STAGE_RLIMIT,
    CHOST_STAGE_GROUPS,
    CHOST_STAGE_GROUP,
    CHOST_STAGE_USER,
    CHOST_STAGE_CAPABILITIES,
    CHOST_STAGE_CHDIR,
    CHOST_STAGE_NO_NEW_PRIVS,
    CHOST_STAGE_SECCOMP,
    CHOST_STAGE_EXEC,
};

struct chost_rlimit {
    int resource;
    uint64_t soft;
    uint64_t hard;
};

/// What is read-only: nothing; /usr, /boot and /efi; /etc too; all but /dev, /proc and /sys.
enum chost_protection {
    CHOST_PROTECTION_NONE = 0,
    CHOST_PROTECTION_SYSTEM,
    CHOST_PROTECTION_FULL,
    CHOST_PROTECTION_STRICT,
};

/// Which system calls may be made: all; what services need; without sockets but AF_UNIX and what changes who a process is, too.
enum chost_filter {
    CHOST_FILTER_NONE = 0,
    CHOST_FILTER_SERVICE,
    CHOST_FILTER_STRICT,
};

/// What a child may not, for itself and what it starts.
struct chost_confinement {
    /// Whether it has these capabilities, a bit each, and no others.
    int sets_capabilities;
    uint64_t capabilities;
    /// Set for a filter, too, which an ordinary process may not have without.
    int no_new_privs;
    int has_private_tmp;
    enum chost_protection protection;
    /// What is not read-only all the same.
    char *const *read_write_paths;
    int read_write_count;
    enum chost_filter filter;
};

struct chost_launch {
    /// What to execute: `exec_fd` where it is not -1, else `path`.
    const char *path;
    int exec_fd;
    char *const *argv;
    char *const *envp;
    /// Where in one of envp's strings each the child writes its own pid (eleven bytes of room); NULL for nowhere.
    char *listen_pid;
    char *watchdog_pid;
    /// The descriptors that become the child's 0, 1, 2, ...; all others are closed by the exec.
    const int *fds;
    int fd_count;
    const char *cwd;
    int changes_user;
    uint32_t uid;
    uint32_t gid;
    const uint32_t *groups;
    size_t group_count;
    const struct chost_rlimit *rlimits;
    size_t rlimit_count;
    /// The signal the child gets when the thread that started it ends; 0 for none.
    int parent_death_signal;
    /// Whether the child is an ordinary choice of the OOM killer, though its parent is spared; proc(5), oom_score_adj.
    int resets_oom_score;
    /// The directory of the control group, of version 2, that the child begins in; 0 for its parent's.
    int cgroup_fd;
    /// NULL for none.
    const struct chost_confinement *confinement;
};

struct chost_launched {
    int pidfd;
    enum chost_stage stage;
    int error;
    /// Which resource failed, at CHOST_STAGE_RLIMIT.
    int resource;
    /// Which directory failed, at the stages of mounts; one of the launch's own paths or a constant.
    const char *subject;
};

/// Starts a process in a group of its own. Returns its pid, or -1 with stage and error in `result`.
int32_t chost_launch(const struct chost_launch *launch, struct chost_launched *result);

/// The capabilities that the calling thread has to give, a bit each.
uint64_t chost_permitted_capabilities(void);

/// A filter's program for seccomp(2), of `count` instructions of eight bytes; NULL where none is known for this machine's architecture.
const void *chost_filter_program(enum chost_filter filter, size_t *count);

/// waitid(2) on a pidfd. Returns 1 with `code` (CLD_EXITED, CLD_KILLED, CLD_DUMPED) and `status`, 0 while
/// the process runs, -errno. Leaves the process a zombie unless `reap`.
int chost_wait(int pidfd, int reap, int *code, int *status);

/// As `chost_wait`, of a child by its pid: of one that is not reaped, whose pid can't be another's.
int chost_wait_child(int32_t pid, int reap, int *code, int *status);

/// Waits for a child's end and reaps it. Returns 0 or -errno.
int chost_await_child(int32_t pid);

/// Whether any child has ended that is not reaped.
int chost_has_ended_child(void);

/// From now on the returned descriptor, an eventfd(2), is readable after a child's end: by a handler for SIGCHLD,
/// which calls the one that was there. Once a process. Returns -errno where it can't be.
int chost_watch_children(void);

/// From now on SIGHUP, SIGUSR1, SIGUSR2 and SIGALRM end nothing and wait until they are watched; SIGTERM and SIGINT end the process with
/// success until then, but where it has workers already, which are to be stopped in order (1 or 0; -1: as said before). What was blocked of
/// them in this thread comes. Returns 0, or -errno where it can't be.
int chost_note_service_signals(int has_workers);

/// From now on none of them ends anything: the returned descriptor, an eventfd(2), is readable after one. Once a process. Returns -errno
/// where it can't be.
int chost_watch_service_signals(void);

/// The number of the next one that has come, 0 where there is none.
int chost_next_service_signal(void);

/// Before this thread executes another program: there they wait until it watches them. `stay` where that did not come to pass.
void chost_leave_service_signals(void);
void chost_stay_with_service_signals(void);

/// Returns a pidfd, close-on-exec, or -errno.
int chost_pidfd_open(int32_t pid);

/// Makes this process the parent of what its descendants leave behind. Returns 0 or -errno.
int chost_become_subreaper(void);

int chost_pidfd_send_signal(int pidfd, int signal);

/// Takes the low descriptors that `chost_launch` uses, which it does by itself at its first call: for who has many open before that.
void chost_take_seats(void);

/// Sends one packet with descriptors. Returns 0 or -errno.
int chost_send_descriptors(int fd, const void *bytes, size_t count, const int *fds, size_t fd_count);

enum { CHOST_MESSAGE_CUT = 1, CHOST_DESCRIPTORS_CUT = 2 };

/// Receives one packet with up to `fd_room` (253 at most) descriptors, close-on-exec. Returns its length or
/// -errno; `flags` gets CHOST_..._CUT where something did not fit.
intptr_t chost_receive_descriptors(
    int fd, void *bytes, size_t room, int *fds, size_t fd_room, size_t *fd_count, int *flags);

/// Receives one message with its sender's pid and user, 0 and -1 where the kernel told none (SO_PASSCRED must be set);
/// descriptors that come with it are closed, which ends a sender's wait for having been read. Returns the message's
/// length, cut to `room`, or -errno.
intptr_t chost_receive_notification(int fd, void *bytes, size_t room, int32_t *pid, uint32_t *uid);

int chost_fcntl(int fd, int command, int argument);
int chost_open(const char *path, int flags, uint32_t mode);
/// openat(2) of what is there already. Returns the descriptor or -1.
int chost_openat(int directory, const char *name, int flags);
int chost_memfd_create(const char *name);
void chost_set_thread_name(const char *name);
/// Has the calling thread preempt nobody as it is woken, or again as others do; its children do as others. One that is not scheduled as
/// others are is left as it is. Returns 0 or -errno.
int chost_set_thread_batch(int is_batch);
/// From now on `take_job` gets each job of Swift's tasks that belongs to no executor in particular, from any thread, and has it run by
/// `chost_run_job` on another. Returns 0 where the Swift run-time is not there. Before the first task.
int chost_take_tasks(void (*take_job)(void *job));
void chost_run_job(void *job);
/// Both ends close-on-exec. Returns 0 or -errno.
int chost_pipe(int ends[2]);

/// Constant texts of the C library; NULL for a number that it does not know.
const char *chost_error_text(int number);
const char *chost_error_name(int number);
const char *chost_signal_name(int number);

enum { CHOST_READABLE = 1, CHOST_WRITABLE = 2, CHOST_HANG_UP = 4, CHOST_ERROR = 8, CHOST_PRIORITY = 16 };

/// What one descriptor is ready for.
struct chost_event {
    uint64_t key;
    uint32_t ready;
};

int chost_epoll_create(void);
/// Waits for `interest` (CHOST_READABLE, CHOST_WRITABLE, CHOST_PRIORITY) in place of `before`; 0 for none. Returns 0 or -errno.
int chost_epoll_change(int epoll, int fd, uint32_t before, uint32_t interest, uint64_t key);
/// At most 256 events. A wait that a signal ended returns 0.
int chost_epoll_wait(int epoll, struct chost_event *events, int room, int timeout_milliseconds);
int chost_eventfd(void);
/// Takes what was written: it is readable again after the next write.
void chost_drain_eventfd(int eventfd);

struct chost_status {
    uint32_t mode;
    uint64_t device;
    uint64_t inode;
    int64_t size;
    int64_t modified_nanoseconds;
    int64_t changed_nanoseconds;
};

/// stat(2) and its kin. Each returns 0 or -errno.
int chost_stat(const char *path, struct chost_status *status);
int chost_lstat(const char *path, struct chost_status *status);
int chost_fstat(int fd, struct chost_status *status);
int chost_syncfs(int fd);
/// Whether the extended attribute of that name is there and `1`.
int chost_has_mark(const char *path, const char *name);

/// A worker's latch: a word in an anonymous file of CHOST_LATCH_BYTES, which must be sealed in its size. Returns 0, -EINVAL
/// where it is none, or -errno; `latch` is where it is mapped then.
#define CHOST_LATCH_BYTES 4096
int chost_latch_map(int fd, void **latch);
/// 1 where the worker was at rest, and is held now.
int chost_latch_hold(void *latch);
void chost_latch_unmap(void *latch);

int64_t chost_monotonic_nanoseconds(void);
/* Processor time of the calling thread. */
int64_t chost_thread_nanoseconds(void);
int64_t chost_boottime_nanoseconds(void);
