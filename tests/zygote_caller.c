/* What a server's hook and a runner's job call in place of `orch-gates`: it has the zygote run that, and ends as it
 * ends. Each push waits for it, and an interpreter takes ten times as long to begin.
 *
 * PROGRAM and DOOR, the zygote's socket, are given when it is compiled. Where nobody answers there, or only with a
 * refusal, it becomes the program. What it sends is read by `_unpacked` in zygote.py. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NO_ANSWER (-1)
/* An answer is a line: the process, then its exit code. */
#define LINE 64

extern char **environ;
static char call[MOST];
static size_t used;

static int put(const char *word)
{
    size_t length = strlen(word) + 1;
    if (length > sizeof call - used)
        return 0;
    memcpy(call + used, word, length);
    used += length;
    return 1;
}

static int packed(int argc, char **argv)
{
    char count[16], folder[PATH_MAX];
    snprintf(count, sizeof count, "%d", argc);
    if (!getcwd(folder, sizeof folder) || !put(count))
        return 0;
    for (int i = 0; i < argc; i++)
        if (!put(argv[i]))
            return 0;
    if (!put("") || !put(folder))
        return 0;
    for (char **each = environ; *each; each++)
        if (!put(*each))
            return 0;
    return 1;
}

static int sent(int door)
{
    int streams[] = {0, 1, 2};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof streams)];
    } beside = {.header = {CMSG_LEN(sizeof streams), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {call, used - 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &beside, .msg_controllen = sizeof beside};
    memcpy(CMSG_DATA(&beside.header), streams, sizeof streams);
    return sendmsg(door, &message, MSG_NOSIGNAL) >= 0;
}

static int code(int argc, char **argv)
{
    struct sockaddr_un address = {AF_UNIX, DOOR};
    char line[LINE + 1];
    int door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (!packed(argc, argv) || door < 0 || connect(door, (struct sockaddr *)&address, sizeof address) || !sent(door) ||
        recv(door, line, LINE, 0) <= 0)
        return NO_ANSWER;
    ssize_t length = recv(door, line, LINE, 0);
    /* No answer after it began: it was killed, and nobody knows how far it came. */
    if (length <= 0)
        return 70;
    line[length] = 0;
    int ended = atoi(line);
    return ended < 0 ? 128 - ended : ended;
}

int main(int argc, char **argv)
{
    argv[0] = PROGRAM;
    int ended = code(argc, argv);
    if (ended != NO_ANSWER)
        return ended;
    execv(PROGRAM, argv);
    perror(PROGRAM);
    return 127;
}
