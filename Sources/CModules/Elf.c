#define _GNU_SOURCE
#include "Loader.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The dynamic linker trusts what it maps: of a file that is cut off it would touch pages that are not there, and the
// process would be gone by SIGBUS. So the file is looked at before.

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { OWN_MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { OWN_MACHINE = EM_PPC64 };
#elif defined(__s390x__)
enum { OWN_MACHINE = EM_S390 };
#elif defined(__i386__)
enum { OWN_MACHINE = EM_386 };
#elif defined(__arm__)
enum { OWN_MACHINE = EM_ARM };
#else
#error "which machine of elf.h is this?"
#endif

enum {
    OWN_CLASS = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32,
    OWN_DATA = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB,
    // No table of a library that is read here comes near it.
    MAX_TABLE = 16777216,
};

struct elf {
    const char *module;
    int fd;
    uint64_t size;
    ElfW(Ehdr) header;
    ElfW(Phdr) *segments;
};

static const char *machine_name(unsigned machine, char room[32])
{
    switch (machine) {
    case EM_X86_64: return "x86_64";
    case EM_AARCH64: return "aarch64";
    case EM_RISCV: return "riscv";
    case EM_PPC64: return "ppc64";
    case EM_S390: return "s390x";
    case EM_386: return "i386";
    case EM_ARM: return "arm";
    case 258: return "loongarch";
    default:
        snprintf(room, 32, "the machine number %u", machine);
        return room;
    }
}

static bool read_at(const struct elf *elf, void *to, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(elf->fd, (char *)to + done, size - done, offset + done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += count;
    }
    return true;
}

// A part of the file with a zero byte behind it, for the caller to free; NULL where it can't be had.
static void *read_table(const struct elf *elf, uint64_t offset, uint64_t size)
{
    if (size > MAX_TABLE || offset > elf->size || size > elf->size - offset)
        return NULL;
    char *table = malloc(size + 1);
    if (!table)
        return NULL;
    table[size] = '\0';
    if (read_at(elf, table, size, offset))
        return table;
    free(table);
    return NULL;
}

static bool is_within(const struct elf *elf, uint64_t offset, uint64_t size, rhl_error *error)
{
    if (offset <= elf->size && size <= elf->size - offset)
        return true;
    uint64_t end;
    if (__builtin_add_overflow(offset, size, &end))
        end = UINT64_MAX;
    rhl_say(error, "%s.so is cut off: it has %llu bytes, its headers speak of %llu", elf->module,
        (unsigned long long)elf->size, (unsigned long long)end);
    return false;
}

static bool check_header(struct elf *elf, rhl_error *error)
{
    struct stat status;
    ElfW(Ehdr) *header = &elf->header;
    char room[32], own[32];
    if (fstat(elf->fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        rhl_say(error, "%s.so is no file", elf->module);
        return false;
    }
    elf->size = status.st_size;
    size_t count = elf->size < sizeof *header ? elf->size : sizeof *header;
    if (!read_at(elf, header, count, 0)) {
        rhl_say(error, "%s.so can't be read: %s", elf->module, strerror(errno));
        return false;
    }
    if (count < SELFMAG || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        rhl_say(error, "%s.so is no ELF file", elf->module);
        return false;
    }
    // What follows stands at the same place in both classes.
    if (count >= 20 && header->e_ident[EI_DATA] == OWN_DATA && header->e_machine != OWN_MACHINE) {
        rhl_say(error, "%s.so is for %s, this machine is %s", elf->module, machine_name(header->e_machine, room),
            machine_name(OWN_MACHINE, own));
        return false;
    }
    if (!is_within(elf, 0, sizeof *header, error))
        return false;
    if (header->e_ident[EI_CLASS] != OWN_CLASS || header->e_ident[EI_DATA] != OWN_DATA) {
        rhl_say(error, "%s.so is for a machine of another word size or byte order", elf->module);
        return false;
    }
    if (header->e_type != ET_DYN) {
        rhl_say(error, "%s.so is no shared library but %s", elf->module,
            header->e_type == ET_EXEC ? "a program"
                : header->e_type == ET_REL ? "an object file" : header->e_type == ET_CORE ? "a core dump" : "something else");
        return false;
    }
    if (header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phnum == 0
        || (header->e_shoff != 0 && header->e_shentsize != sizeof(ElfW(Shdr)))) {
        rhl_say(error, "%s.so has headers that are damaged", elf->module);
        return false;
    }
    // The sections' table ends a file: one that was cut anywhere is noticed by it.
    return is_within(elf, header->e_phoff, (uint64_t)header->e_phnum * sizeof(ElfW(Phdr)), error)
        && (header->e_shoff == 0
            || is_within(elf, header->e_shoff, (uint64_t)header->e_shnum * sizeof(ElfW(Shdr)), error));
}

static bool check_segments(const struct elf *elf, rhl_error *error)
{
    for (int i = 0; i < elf->header.e_phnum; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type == PT_LOAD && !is_within(elf, segment->p_offset, segment->p_filesz, error))
            return false;
    }
    return true;
}

// The text at an address of the library, such as the name of one that it needs; for the caller to free.
static char *text_at(const struct elf *elf, uint64_t address)
{
    for (int i = 0; i < elf->header.e_phnum; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr
            || address - segment->p_vaddr >= segment->p_filesz)
            continue;
        uint64_t left = segment->p_filesz - (address - segment->p_vaddr);
        return read_table(elf, segment->p_offset + (address - segment->p_vaddr), left < 64 ? left : 64);
    }
    return NULL;
}

struct dynamic {
    bool is_program;
    bool is_pinned;
};

static struct dynamic read_dynamic(const struct elf *elf)
{
    struct dynamic found = {false, false};
    const ElfW(Phdr) *segment = NULL;
    for (int i = 0; i < elf->header.e_phnum; i++)
        if (elf->segments[i].p_type == PT_DYNAMIC)
            segment = &elf->segments[i];
    ElfW(Dyn) *entries = segment ? read_table(elf, segment->p_offset, segment->p_filesz) : NULL;
    if (!entries)
        return found;
    uint64_t strings = 0;
    size_t count = 0;
    for (; count < segment->p_filesz / sizeof *entries && entries[count].d_tag != DT_NULL; count++) {
        if (entries[count].d_tag == DT_STRTAB)
            strings = entries[count].d_un.d_ptr;
        if (entries[count].d_tag == DT_FLAGS_1) {
            found.is_program = (entries[count].d_un.d_val & DF_1_PIE) != 0;
            found.is_pinned |= (entries[count].d_un.d_val & DF_1_NODELETE) != 0;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i].d_tag != DT_NEEDED)
            continue;
        char *name = text_at(elf, strings + entries[i].d_un.d_val);
        found.is_pinned |= name && strncmp(name, "libswiftCore", 12) == 0;
        free(name);
    }
    free(entries);
    return found;
}

// Swift's runtime keeps pointers into the tables of every library that was ever mapped.
static bool has_swift_sections(const struct elf *elf)
{
    bool found = false;
    const ElfW(Ehdr) *header = &elf->header;
    ElfW(Shdr) *sections = NULL;
    char *names = NULL;
    if (header->e_shoff != 0 && header->e_shstrndx < header->e_shnum)
        sections = read_table(elf, header->e_shoff, (uint64_t)header->e_shnum * sizeof *sections);
    uint64_t size = sections ? sections[header->e_shstrndx].sh_size : 0;
    if (sections)
        names = read_table(elf, sections[header->e_shstrndx].sh_offset, size);
    for (int i = 0; names && i < header->e_shnum; i++)
        found |= sections[i].sh_name < size && strncmp(names + sections[i].sh_name, "swift5_", 7) == 0;
    free(names);
    free(sections);
    return found;
}

bool rhl_check_elf(const char *module, int fd, bool *is_pinned, rhl_error *error)
{
    struct elf elf = {.module = module, .fd = fd};
    if (!check_header(&elf, error))
        return false;
    elf.segments = read_table(&elf, elf.header.e_phoff, (uint64_t)elf.header.e_phnum * sizeof *elf.segments);
    if (!elf.segments) {
        rhl_say(error, "%s.so can't be read", module);
        return false;
    }
    bool is_right = check_segments(&elf, error);
    if (is_right) {
        struct dynamic dynamic = read_dynamic(&elf);
        if (dynamic.is_program)
            rhl_say(error, "%s.so is no shared library but a program", module);
        is_right = !dynamic.is_program;
        *is_pinned = dynamic.is_pinned || has_swift_sections(&elf);
    }
    free(elf.segments);
    return is_right;
}
