// The application for trials of services. It serves HTTP on $PORT, or misbehaves as its arguments say. A path that
// begins with a verb makes it try something, and the answer is the result.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *version;
static int status = 200;

static void pause_ms(long ms) {
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static int send_all(int peer, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(peer, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        bytes += sent;
        length -= sent;
    }
    return 1;
}

static int answer(int peer, const char *body, size_t length) {
    char head[256];
    int head_length = snprintf(head, sizeof head, "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\nX-Version: %s\r\n\r\n",
                               status, length, version);
    return send_all(peer, head, head_length) && send_all(peer, body, length);
}

static void echo(int peer) {
    // The answer to the key of the example in RFC 6455.
    const char *head = "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    char bytes[4096];
    struct timeval for_ever = {0, 0};
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever);
    if (!send_all(peer, head, strlen(head))) return;
    for (ssize_t got; (got = recv(peer, bytes, sizeof bytes, 0)) > 0;)
        if (!send_all(peer, bytes, got)) return;
}

// Whether anything answers at ADDRESS:PORT.
static const char *reach(char *place) {
    char *colon = strrchr(place, ':');
    if (!colon) return "no port";
    *colon = 0;
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    struct timeval limit = {2, 0};
    setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    inet_pton(AF_INET, place, &address.sin_addr);
    int failed = connect(peer, (struct sockaddr *)&address, sizeof address);
    const char *said = failed ? strerror(errno) : "reached";
    close(peer);
    return said;
}

// The first address that the network's name server has for a name.
static void resolve(const char *name, char *said, size_t room) {
    unsigned char packet[512] = {0, 7, 1, 0, 0, 1};
    int length = 12, peer = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct timeval limit = {3, 0};
    inet_pton(AF_INET, "127.0.0.11", &server.sin_addr);
    while (*name) {
        int part = strcspn(name, ".");
        packet[length++] = part;
        memcpy(packet + length, name, part);
        length += part;
        name += part + (name[part] == '.');
    }
    memcpy(packet + length, "\0\0\1\0\1", 5);
    length += 5;
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sendto(peer, packet, length, 0, (struct sockaddr *)&server, sizeof server);
    ssize_t got = recv(peer, packet, sizeof packet, 0);
    close(peer);
    if (got < length + 16 || (packet[6] << 8 | packet[7]) == 0) snprintf(said, room, "no address");
    // The only answer is at the end.
    else inet_ntop(AF_INET, packet + got - 4, said, room);
}

static void forks(char *said, size_t room) {
    static pid_t made[5000];
    long count = 0;
    for (; count < 5000; count++) {
        pid_t child = fork();
        if (child == 0) for (;;) pause();
        if (child < 0) break;
        made[count] = child;
    }
    snprintf(said, room, "%ld", count);
    for (long i = 0; i < count; i++) kill(made[i], SIGKILL);
    for (long i = 0; i < count; i++) waitpid(made[i], NULL, 0);
}

static void eat(void) {
    for (;;) {
        char *memory = malloc(1 << 20);
        if (memory) memset(memory, 1, 1 << 20);
    }
}

static int handle(int peer, char *path) {
    char said[256] = "";
    char *words = strchr(path, '?');
    if (words) *words++ = 0;
    long number = words ? atol(words) : 0;
    if (!strcmp(path, "/slow")) pause_ms(number ? number : 200);
    else if (!strcmp(path, "/big")) {
        static const char zeros[1 << 20];
        return answer(peer, zeros, sizeof zeros);
    } else if (!strcmp(path, "/print")) for (long i = 0; i < number; i++) printf("line %ld\n", i);
    else if (!strcmp(path, "/exit")) _exit(number);
    else if (!strcmp(path, "/eat")) eat();
    else if (!strcmp(path, "/fork")) forks(said, sizeof said);
    else if (!strcmp(path, "/reach")) snprintf(said, sizeof said, "%s", reach(words));
    else if (!strcmp(path, "/resolve")) resolve(words, said, sizeof said);
    else if (!strcmp(path, "/raw"))
        snprintf(said, sizeof said, "%d %d", socket(AF_INET, SOCK_RAW, 1) >= 0, socket(AF_PACKET, SOCK_RAW, 0) >= 0);
    else if (!strcmp(path, "/me")) {
        struct sockaddr_in address;
        socklen_t length = sizeof address;
        getsockname(peer, (struct sockaddr *)&address, &length);
        inet_ntop(AF_INET, &address.sin_addr, said, sizeof said);
    } else snprintf(said, sizeof said, "%s", version);
    return answer(peer, said, strlen(said));
}

static void *serve(void *given) {
    int peer = (int)(long)given;
    static const int room = 65536;
    char *bytes = malloc(room + 1);
    int have = 0;
    // Like common servers it closes an idle connection after 5 s.
    struct timeval idle = {5, 0};
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    for (;;) {
        bytes[have] = 0;
        char *end = strstr(bytes, "\r\n\r\n");
        if (!end) {
            ssize_t got = have < room ? recv(peer, bytes + have, room - have, 0) : 0;
            if (got <= 0) break;
            have += got;
            continue;
        }
        *end = 0;
        long body = 0;
        char *length = strcasestr(bytes, "\r\ncontent-length:");
        if (length) body = atol(length + 17);
        int is_upgrade = strcasestr(bytes, "\r\nupgrade:") != NULL;
        char *path = strchr(bytes, ' ') + 1;
        path[strcspn(path, " ")] = 0;
        char asked[1024];
        snprintf(asked, sizeof asked, "%s", path);
        have -= end + 4 - bytes;
        memmove(bytes, end + 4, have);
        while (body > have) {
            body -= have;
            have = recv(peer, bytes, room, 0);
            if (have <= 0) goto over;
        }
        have -= body;
        memmove(bytes, bytes + body, have);
        if (is_upgrade) {
            echo(peer);
            break;
        }
        if (!handle(peer, asked)) break;
    }
over:
    close(peer);
    free(bytes);
    return NULL;
}

static void *tick(void *unused) {
    (void)unused;
    for (long i = 0; i < 1000000; i++) {
        printf("tick %s %ld\n", version, i);
        pause_ms(20);
    }
    return NULL;
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = count > 1 ? words[1] : "serve";
    version = getenv("VERSION") ? getenv("VERSION") : "none";
    printf("begins %s\n", version);
    if (!strcmp(what, "crash")) {
        fprintf(stderr, "no database\n");
        return 3;
    }
    if (!strcmp(what, "eat")) eat();
    if (!strcmp(what, "stubborn")) signal(SIGTERM, SIG_IGN);
    if (!strcmp(what, "wrong")) status = 500;
    if (!strcmp(what, "print")) for (long i = 0; i < atol(words[2]); i++) printf("line %ld\n", i);
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    if (!strcmp(what, "tick")) pthread_create(&thread, &small, tick, NULL);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    const char *port = getenv("PORT") ? getenv("PORT") : "8080";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 512) != 0) {
        perror("listen");
        return 9;
    }
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0) continue;
        if (!strcmp(what, "mute")) continue;
        if (pthread_create(&thread, &small, serve, (void *)(long)peer) != 0) close(peer);
    }
}
