/*
 * The app that tests run in containers: it serves HTTP, writes logs in several formats, burns CPU, eats memory and fails
 * on demand. One process, one poll loop, well under a megabyte of memory, ready in a few milliseconds.
 *
 *   GET /            who answered, as JSON           GET /healthz      200, or 503 while failing
 *   GET /fail[?on=]  toggles (or sets) the failing   GET /burn?ms=     answers after burning CPU that long
 *   GET /slow?ms=    answers that late               GET /log?n=       writes n numbered log lines
 *   GET /eat?mb=     keeps that much memory          GET /exit?code=   ends the process
 *
 * Environment: PORT (8080; 0 serves nothing), LOG_RATE (lines a second, 3), VERSION, START_DELAY (seconds before it
 * listens), FAIL_AFTER and EXIT_AFTER (seconds; unset never), EXIT_CODE (1), IGNORE_TERM (1 ignores SIGTERM).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 1024
#define MOST_REQUEST 4096

static struct pollfd polls[MOST_CONNECTIONS + 1];
static char *buffers[MOST_CONNECTIONS + 1];
static int lengths[MOST_CONNECTIONS + 1];
static int count = 0;
static volatile sig_atomic_t ending = 0;
static int failing = 0;
static long requests = 0;
static long logged = 0;
static char hostname[128];
static const char *version;

static long number(const char *name, long fallback) {
  const char *text = getenv(name);
  return text && *text ? atol(text) : fallback;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static const char *stamp(void) {
  static char text[40];
  struct timespec t;
  struct tm parts;
  int used;
  clock_gettime(CLOCK_REALTIME, &t);
  gmtime_r(&t.tv_sec, &parts);
  used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text + used, sizeof text - used, ".%03ldZ", t.tv_nsec / 1000000);
  return text;
}

static void log_something(void) {
  long n = ++logged;
  long ms = (n * 37) % 250 + 1;
  if (n % 25 == 0) {
    fprintf(stderr,
            "%s ERROR request %ld failed: connection refused\n"
            "java.net.ConnectException: Connection refused\n"
            "\tat io.pilothouse.demo.Orders.load(Orders.java:%ld)\n"
            "\tat io.pilothouse.demo.Handler.handle(Handler.java:48)\n"
            "\tat java.base/java.lang.Thread.run(Thread.java:1583)\n",
            stamp(), n, n % 90 + 10);
    return;
  }
  switch (n % 4) {
    case 0:
      printf("%s INFO  request %ld served in %ld ms\n", stamp(), n, ms);
      break;
    case 1:
      printf("{\"time\":\"%s\",\"level\":\"info\",\"msg\":\"order stored\",\"order\":%ld,\"duration_ms\":%ld}\n", stamp(), n, ms);
      break;
    case 2:
      printf("ts=%s level=%s msg=\"cache looked up\" key=user:%ld hit=%s duration=%ldms\n", stamp(),
             n % 10 ? "debug" : "warn", n % 500, n % 3 ? "true" : "false", ms);
      break;
    default:
      printf("[%s] %s: queue depth is %ld\n", stamp(), n % 15 ? "INFO" : "WARNING", n % 40);
  }
}

static void write_all(int fd, const char *text, int length) {
  while (length > 0) {
    int wrote = send(fd, text, length, MSG_NOSIGNAL);
    if (wrote <= 0) {
      if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) {
        struct pollfd one = {fd, POLLOUT, 0};
        if (poll(&one, 1, 2000) > 0) continue;
      }
      return;
    }
    text += wrote;
    length -= wrote;
  }
}

static void answer(int fd, int status, const char *body, int keep) {
  char text[1024];
  int length = snprintf(text, sizeof text,
                        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nX-Served-By: %s\r\nX-Version: %s\r\n"
                        "Connection: %s\r\n\r\n%s",
                        status, status == 200 ? "OK" : status == 503 ? "Service Unavailable" : "Not Found",
                        body[0] == '{' ? "application/json" : "text/plain", (int)strlen(body), hostname, version,
                        keep ? "keep-alive" : "close", body);
  write_all(fd, text, length);
}

static long query(const char *path, const char *name, long fallback) {
  const char *at = strchr(path, '?');
  size_t size = strlen(name);
  while (at) {
    at++;
    if (strncmp(at, name, size) == 0 && at[size] == '=') return atol(at + size + 1);
    at = strchr(at, '&');
  }
  return fallback;
}

static int is(const char *path, const char *name) {
  size_t size = strlen(name);
  return strncmp(path, name, size) == 0 && (path[size] == 0 || path[size] == '?');
}

/* Returns 0 when the connection is to be closed. */
static int serve(int fd, const char *path, int keep) {
  char body[512];
  requests++;
  if (is(path, "/")) {
    snprintf(body, sizeof body, "{\"hostname\":\"%s\",\"version\":\"%s\",\"requests\":%ld}\n", hostname, version, requests);
    answer(fd, 200, body, keep);
  } else if (is(path, "/healthz")) {
    answer(fd, failing ? 503 : 200, failing ? "failing\n" : "ok\n", keep);
  } else if (is(path, "/fail")) {
    failing = query(path, "on", !failing) != 0;
    answer(fd, 200, failing ? "failing\n" : "ok\n", keep);
  } else if (is(path, "/burn") || is(path, "/slow")) {
    /* In a child, so that health checks are answered meanwhile. */
    if (fork() == 0) {
      double until = now() + query(path, "ms", 100) / 1000.0;
      while (now() < until)
        if (path[1] == 's') usleep(5000);
      answer(fd, 200, path[1] == 's' ? "late\n" : "burnt\n", 0);
      _exit(0);
    }
    return 0;
  } else if (is(path, "/log")) {
    long n = query(path, "n", 1), i;
    for (i = 1; i <= n; i++) printf("%s INFO line %ld of %ld\n", stamp(), i, n);
    fflush(stdout);
    answer(fd, 200, "written\n", keep);
  } else if (is(path, "/eat")) {
    long bytes = query(path, "mb", 1) << 20;
    char *memory = malloc(bytes);
    if (memory) memset(memory, 1, bytes);
    answer(fd, 200, memory ? "eaten\n" : "refused\n", keep);
  } else if (is(path, "/exit")) {
    answer(fd, 200, "ending\n", 0);
    fflush(NULL);
    exit((int)query(path, "code", 1));
  } else {
    answer(fd, 404, "no such page\n", keep);
  }
  return keep;
}

static void drop(int i) {
  close(polls[i].fd);
  free(buffers[i]);
  count--;
  polls[i] = polls[count];
  buffers[i] = buffers[count];
  lengths[i] = lengths[count];
}

/* Returns 0 when the connection is gone. */
static int read_from(int i) {
  char method[16], path[1024], *end;
  int got = recv(polls[i].fd, buffers[i] + lengths[i], MOST_REQUEST - 1 - lengths[i], 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
  if (got <= 0) return 0;
  lengths[i] += got;
  buffers[i][lengths[i]] = 0;
  while ((end = strstr(buffers[i], "\r\n\r\n"))) {
    int used = (int)(end + 4 - buffers[i]), keep;
    *end = 0;
    if (sscanf(buffers[i], "%15s %1023s", method, path) != 2) return 0;
    /* A body is not read, so such a connection cannot be used again. */
    keep = !ending && !strstr(buffers[i], "onnection: close") && !strstr(buffers[i], "HTTP/1.0") &&
           (!strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS"));
    if (!serve(polls[i].fd, path, keep)) return 0;
    lengths[i] -= used;
    memmove(buffers[i], buffers[i] + used, lengths[i] + 1);
  }
  return lengths[i] < MOST_REQUEST - 1;
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 511)) {
    fprintf(stderr, "%s ERROR cannot listen on port %d: %s\n", stamp(), port, strerror(errno));
    exit(1);
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

static void accept_from(int fd) {
  int one, yes = 1;
  while (count < MOST_CONNECTIONS && (one = accept(fd, NULL, NULL)) >= 0) {
    fcntl(one, F_SETFL, O_NONBLOCK);
    setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    polls[count].fd = one;
    polls[count].events = POLLIN;
    polls[count].revents = 0;
    buffers[count] = malloc(MOST_REQUEST);
    lengths[count++] = 0;
  }
}

static void end(int signal) {
  (void)signal;
  ending = 1;
}

int main(void) {
  double began = now(), next, rate = number("LOG_RATE", 3), until = 0;
  long fail_after = number("FAIL_AFTER", -1), exit_after = number("EXIT_AFTER", -1), port = number("PORT", 8080);
  int server = -1, i;
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  gethostname(hostname, sizeof hostname - 1);
  version = getenv("VERSION") ? getenv("VERSION") : "0";
  signal(SIGCHLD, SIG_IGN);
  signal(SIGTERM, number("IGNORE_TERM", 0) ? SIG_IGN : end);
  signal(SIGINT, end);
  printf("%s INFO  demo app version %s starts on %s\n", stamp(), version, hostname);
  while (!ending && now() - began < number("START_DELAY", 0)) usleep(20000);
  if (port > 0 && !ending) {
    server = listen_on((int)port);
    printf("%s INFO  listening on port %ld\n", stamp(), port);
  }
  next = now();
  for (;;) {
    double time = now();
    int wait = 1000;
    if (fail_after >= 0 && time - began >= fail_after) failing = 1, fail_after = -1;
    if (exit_after >= 0 && time - began >= exit_after) {
      fprintf(stderr, "%s ERROR gave up after %ld s, as told\n", stamp(), exit_after);
      return (int)number("EXIT_CODE", 1);
    }
    if (ending) {
      /* What waits in the backlog is still served; then idle connections are closed. */
      if (until == 0) {
        until = time + 1;
        if (server >= 0) accept_from(server), close(server), server = -1;
      }
      if (time >= until || count == 0) break;
      wait = 50;
    }
    while (rate > 0 && next <= time) {
      log_something();
      next += 1 / rate;
      if (next < time - 1) next = time;
    }
    if (rate > 0 && (next - time) * 1000 < wait) wait = (int)((next - time) * 1000) + 1;
    if (server >= 0 && count < MOST_CONNECTIONS) {
      polls[count].fd = server;
      polls[count].events = POLLIN;
      polls[count].revents = 0;
    }
    i = poll(polls, count + (server >= 0 && count < MOST_CONNECTIONS), wait);
    if (i <= 0) {
      if (ending && i == 0) break;
      continue;
    }
    {
      int listening = server >= 0 && count < MOST_CONNECTIONS && polls[count].revents;
      for (i = count - 1; i >= 0; i--)
        if (polls[i].revents && !read_from(i)) drop(i);
      if (listening) accept_from(server);
    }
  }
  printf("%s INFO  asked to stop, %ld requests served\n", stamp(), requests);
  return 0;
}
