// The program in the tests' image. It does what its arguments say, and then waits.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) {
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static void wait_for_ever(void) {
    for (;;) pause();
}

// Answers every connection on a port.
static void serve(int port) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0) {
        perror("serve");
        exit(9);
    }
    printf("listening\n");
    const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n";
    for (;;) {
        char request[4096];
        int peer = accept(listener, NULL, NULL);
        if (peer < 0) continue;
        if (read(peer, request, sizeof request) > 0) write(peer, answer, strlen(answer));
        close(peer);
    }
}

// Connects to a port of this network namespace.
static void ask(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int tries = 0; tries < 100; tries++) {
        int peer = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(peer, (struct sockaddr *)&address, sizeof address) == 0) {
            printf("reached\n");
            return;
        }
        close(peer);
        pause_ms(50);
    }
    printf("not reached\n");
}

// Asks the network's name server for the number of a name's addresses.
static void resolve(const char *name) {
    unsigned char packet[512] = {0, 7, 1, 0, 0, 1};
    int length = 12, peer = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct timeval limit = {5, 0};
    inet_pton(AF_INET, "127.0.0.11", &server.sin_addr);
    while (*name) {
        int part = strcspn(name, ".");
        packet[length++] = part;
        memcpy(packet + length, name, part);
        length += part;
        name += part + (name[part] == '.');
    }
    memcpy(packet + length, "\0\0\1\0\1", 5);
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sendto(peer, packet, length + 5, 0, (struct sockaddr *)&server, sizeof server);
    if (recv(peer, packet, sizeof packet, 0) < 12) printf("no answer\n");
    else printf("%d addresses\n", packet[6] << 8 | packet[7]);
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = count > 1 ? words[1] : "wait";
    long number = count > 2 ? atol(words[2]) : 0;
    if (!strcmp(what, "serve")) serve(number);
    else if (!strcmp(what, "exit")) {
        pause_ms(count > 3 ? atol(words[3]) : 0);
        return number;
    } else if (!strcmp(what, "print")) {
        for (long i = 0; i < number; i++) printf("line %ld\n", i);
    } else if (!strcmp(what, "tick")) {
        for (long i = 0;; i++) {
            printf("tick %ld\n", i);
            pause_ms(number);
        }
    } else if (!strcmp(what, "both")) {
        setvbuf(stderr, NULL, _IOLBF, 0);
        for (long i = 0; i < number; i++) {
            printf("out %ld\n", i);
            fprintf(stderr, "err %ld\n", i);
        }
    } else if (!strcmp(what, "long")) {
        for (long length = number; length > 0; length /= 10) {
            for (long i = 0; i < length; i++) putchar('a' + i % 26);
            putchar('\n');
        }
        printf("no line feed");
        fflush(stdout);
        return 0;
    } else if (!strcmp(what, "stubborn")) {
        signal(SIGTERM, SIG_IGN);
        printf("stubborn\n");
    } else if (!strcmp(what, "hog")) {
        for (;;) {
            char *memory = malloc(1 << 20);
            if (memory) memset(memory, 1, 1 << 20);
        }
    } else if (!strcmp(what, "fork")) {
        long made = 0;
        while (made < 5000) {
            int child = fork();
            if (child < 0) break;
            if (child == 0) wait_for_ever();
            made++;
        }
        printf("forked %ld\n", made);
    } else if (!strcmp(what, "probe")) {
        struct rlimit files;
        getrlimit(RLIMIT_NOFILE, &files);
        printf("raw %d\n", socket(AF_INET, SOCK_RAW, 1) >= 0);
        printf("packet %d\n", socket(AF_PACKET, SOCK_RAW, 0) >= 0);
        printf("device %d\n", mknod("/device", S_IFBLK | 0600, 0x800) == 0);
        printf("root %d\n", chroot("/") == 0);
        printf("clock %d\n", clock_settime(CLOCK_REALTIME, &(struct timespec){0}) == 0);
        printf("chown %d\n", mkdir("/mine", 0755) == 0 && chown("/mine", 1000, 1000) == 0);
        printf("files %ld\n", (long)files.rlim_max);
        printf("user %d\n", setgid(1000) == 0 && setuid(1000) == 0);
        printf("back %d\n", setuid(0) == 0);
    } else if (!strcmp(what, "ask")) ask(number);
    else if (!strcmp(what, "resolve")) resolve(words[2]);
    else if (!strcmp(what, "variable")) printf("%s\n", getenv(words[2]) ? getenv(words[2]) : "not set");
    wait_for_ever();
}
