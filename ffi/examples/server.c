// An HTTP server that answers cross-origin requests as a policy says, with libmicrohttpd.
//
//     gcc -std=c11 -Wall -Wextra -Werror server.c -o server -lcorsac -lmicrohttpd
//     ./server --policy policy.json --port 8080
//
// All of CORS is in `answer`: show corsac the request, evaluate, apply the headers. The application
// behind it sets CORS headers of its own, as careless ones do, to show that they don't get through.

#define _POSIX_C_SOURCE 200809L

#include <corsac.h>
#include <microhttpd.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// --- The policy --------------------------------------------------------------------------------

// What corsac reads at most, so that a wrong file is not read to its end.
#define MAX_FILE ((size_t)256 << 20)

// The content of a file; NULL if it cannot be read, with the reason in errno.
static char *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  char *text = NULL;
  size_t size = 0;
  int failure = 0;
  *len = 0;
  while (!failure && !feof(file)) {
    if (*len == size) {
      char *larger = realloc(text, size = 2 * size + 4096);
      if (!larger) {
        failure = ENOMEM;
        break;
      }
      text = larger;
    }
    errno = 0;
    *len += fread(text + *len, 1, size - *len, file);
    if (ferror(file))
      failure = errno ? errno : EIO;
    else if (*len > MAX_FILE)
      failure = EFBIG;
  }
  fclose(file);
  if (failure) {
    free(text);
    errno = failure;
    return NULL;
  }
  return text;
}

// Prints every problem as a compiler does: FILE:line:column: code: path: message.
static void print_problems(const char *path, const corsac_error *error) {
  for (size_t i = 0; i < corsac_error_len(error); i++) {
    corsac_str code = corsac_error_code(error, i);
    corsac_str where = corsac_error_path(error, i);
    corsac_str message = corsac_error_message(error, i);
    fprintf(stderr, "%s:%u:%u: %.*s: %.*s: %.*s\n", path, corsac_error_line(error, i),
            corsac_error_column(error, i), (int)code.len, code.data, (int)where.len, where.data,
            (int)message.len, message.data);
  }
  if (corsac_error_unreported(error) > 0)
    fprintf(stderr, "%s: and %zu more problems\n", path, corsac_error_unreported(error));
}

static const corsac_policy *load_policy(const char *path) {
  size_t len = 0;
  char *text = read_file(path, &len);
  if (!text) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return NULL;
  }
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  corsac_status status = corsac_policy_from_json(corsac_str_n(text, len), &policy, &error);
  free(text); // The policy keeps nothing of it.
  if (status == CORSAC_STATUS_CONFIG)
    print_problems(path, error);
  else if (status != CORSAC_STATUS_OK)
    fprintf(stderr, "%s: %s\n", path, corsac_status_name(status));
  corsac_error_free(error);
  return policy;
}

// --- The response, while it is made ------------------------------------------------------------

struct line {
  char *name, *value;
};

// The header lines of a response; room for the application's and for every line corsac may add.
struct response {
  unsigned status;
  const char *body;
  bool streamed;
  size_t len;
  struct line lines[32 + CORSAC_MAX_HEADERS];
};

static int is_name(const char *a, corsac_str b) {
  return strlen(a) == b.len && strncasecmp(a, b.data, b.len) == 0;
}

static void remove_lines(struct response *response, corsac_str name) {
  size_t kept = 0;
  for (size_t i = 0; i < response->len; i++) {
    if (is_name(response->lines[i].name, name)) {
      free(response->lines[i].name);
      free(response->lines[i].value);
    } else {
      response->lines[kept++] = response->lines[i];
    }
  }
  response->len = kept;
}

static void add_line(struct response *response, corsac_str name, corsac_str value) {
  if (response->len == sizeof response->lines / sizeof *response->lines)
    return;
  struct line line = {strndup(name.data, name.len), strndup(value.data, value.len)};
  if (!line.name || !line.value)
    abort();
  // A tab is as good as a space in a header, but libmicrohttpd sends none.
  for (char *tab = line.value; (tab = strchr(tab, '\t'));)
    *tab = ' ';
  response->lines[response->len++] = line;
}

// Merges a name into Vary, whose lines become one; what is there already, or *, stays as it is.
static void merge_vary(struct response *response, corsac_str token) {
  const corsac_str vary = corsac_str_z("Vary");
  char merged[1024] = "";
  size_t len = 0;
  for (size_t i = 0; i < response->len; i++) {
    if (!is_name(response->lines[i].name, vary))
      continue;
    for (const char *at = response->lines[i].value; *at;) {
      at += strspn(at, ", \t");
      size_t size = strcspn(at, ", \t");
      if ((size == 1 && *at == '*') || (size == token.len && !strncasecmp(at, token.data, size)))
        return;
      if (size > 0 && len + size + 2 + token.len < sizeof merged)
        len += (size_t)sprintf(merged + len, "%.*s, ", (int)size, at);
      at += size;
    }
  }
  len += (size_t)sprintf(merged + len, "%.*s", (int)token.len, token.data);
  remove_lines(response, vary);
  add_line(response, vary, corsac_str_n(merged, len));
}

// Applies a decision to a response that the application has made, or that is empty.
static void apply(const corsac_decision *decision, struct response *response) {
  static const char *const foreign[] = {CORSAC_FOREIGN_HEADERS};
  if (!(decision->flags & CORSAC_FLAG_FOREIGN_HEADERS_KEPT))
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
      remove_lines(response, corsac_str_z(foreign[i]));

  corsac_header headers[CORSAC_MAX_HEADERS];
  size_t len = corsac_decision_headers(decision, headers, CORSAC_MAX_HEADERS);
  for (size_t i = 0; i < len; i++) {
    switch (headers[i].op) {
    case CORSAC_OP_VARY:
      merge_vary(response, headers[i].value);
      break;
    case CORSAC_OP_SET:
      remove_lines(response, headers[i].name);
      add_line(response, headers[i].name, headers[i].value);
      break;
    case CORSAC_OP_ADD:
      add_line(response, headers[i].name, headers[i].value);
      break;
    }
  }
}

// --- The application ---------------------------------------------------------------------------

static void application(const char *target, struct response *response) {
  static const char *const headers[][2] = {
      {"Content-Type", "application/json"},
      {"ETag", "\"v1\""},
      {"X-Total-Count", "42"},
      {"X-Secret", "hidden"},
      {"Cache-Control", "no-store"},
      {"Vary", "Accept-Encoding"},
      {"Access-Control-Allow-Origin", "*"}, // Not its business: replaced or removed.
      {"Access-Control-Allow-Methods", "TRACE"},
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
    add_line(response, corsac_str_z(headers[i][0]), corsac_str_z(headers[i][1]));
  unsigned status = 200;
  if (sscanf(target, "/status/%3u", &status) == 1 && (status < 200 || status > 599))
    status = 404;
  if (strncmp(target, "/redirect", 9) == 0) {
    status = 302;
    add_line(response, corsac_str_z("Location"), corsac_str_z("/landed"));
  }
  response->status = status;
  response->streamed = strncmp(target, "/stream", 7) == 0;
  // libmicrohttpd keeps the body back for 204, 304 and HEAD; 205 has none either (RFC 9110 section 15.3.6).
  response->body = status == 205 ? "" : "{\"ok\":true,\"server\":\"c\"}";
}

// --- The log -----------------------------------------------------------------------------------

struct search {
  const char *name;
  int found;
};

// Prints text between the quotes of a JSON string, for bytes that anybody may have sent.
static void print_escaped(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (byte < 0x20 || byte > 0x7e)
      printf("\\u%04x", byte);
    else
      printf(byte == '"' || byte == '\\' ? "\\%c" : "%c", byte);
  }
}

static enum MHD_Result print_if_named(void *cls, enum MHD_ValueKind kind, const char *name,
                                      size_t name_len, const char *value, size_t value_len) {
  struct search *search = cls;
  (void)kind;
  if (is_name(search->name, corsac_str_n(name, name_len))) {
    printf(search->found++ ? ", " : "\"");
    print_escaped(value, value ? value_len : 0);
  }
  return MHD_YES;
}

static void log_header(struct MHD_Connection *connection, const char *key, const char *name) {
  struct search search = {name, 0};
  printf(",\"%s\":", key);
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, print_if_named, &search);
  printf(search.found ? "\"" : "null");
}

// One line of JSON per request.
static void log_decision(struct MHD_Connection *connection, const char *method, const char *target,
                         const corsac_decision *decision) {
  static const char *const kinds[] = {"none", "not-cors", "actual", "preflight"};
  static const char *const actions[] = {"none", "forward", "respond"};
  printf("{\"method\":\"");
  print_escaped(method, strlen(method));
  printf("\",\"target\":\"");
  print_escaped(target, strlen(target));
  printf("\",\"kind\":\"%s\",\"action\":\"%s\",\"allowed\":%s,\"reason\":\"%s\"",
         decision->kind <= CORSAC_KIND_PREFLIGHT ? kinds[decision->kind] : "unknown",
         decision->action <= CORSAC_ACTION_RESPOND ? actions[decision->action] : "unknown",
         decision->allowed ? "true" : "false", corsac_reason_name(decision->reason));
  log_header(connection, "origin", "Origin");
  log_header(connection, "request_method", "Access-Control-Request-Method");
  log_header(connection, "request_headers", "Access-Control-Request-Headers");
  log_header(connection, "cookie", "Cookie");
  printf("}\n");
  fflush(stdout);
}

// --- Requests ----------------------------------------------------------------------------------

static enum MHD_Result show_header(void *request, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len) {
  (void)kind;
  corsac_request_header(request, corsac_str_n(name, name_len),
                        corsac_str_n(value, value ? value_len : 0));
  return MHD_YES;
}

// The next part of a streamed body, sent as a chunk of its own.
static ssize_t next_part(void *body, uint64_t at, char *buffer, size_t max) {
  const char *rest = (const char *)body + at;
  size_t len = strnlen(rest, max < 8 ? max : 8);
  if (len == 0)
    return MHD_CONTENT_READER_END_OF_STREAM;
  memcpy(buffer, rest, len);
  return (ssize_t)len;
}

static enum MHD_Result answer(const corsac_policy *policy, struct MHD_Connection *connection,
                              const char *method, const char *target) {
  // 1. Show corsac every header line. What it keeps points into the connection, which outlives us.
  corsac_request request;
  corsac_request_start(&request, corsac_str_z(method));
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, show_header, &request);

  // 2. Decide. If that fails, which is a defect, the decision grants nothing.
  corsac_decision decision;
  corsac_decision_start(&decision);
  corsac_status status = corsac_policy_evaluate(policy, &request, &decision);
  log_decision(connection, method, target, &decision);

  // 3. Let the application respond, or respond in its place; then apply the headers.
  struct response response = {.status = decision.status, .body = ""};
  if (status != CORSAC_STATUS_OK && strcmp(method, "OPTIONS") == 0)
    response.status = 500;
  else if (decision.action != CORSAC_ACTION_RESPOND)
    application(target, &response);
  apply(&decision, &response);

  struct MHD_Response *message =
      response.streamed
          ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 8, next_part,
                                              (void *)(size_t)response.body, NULL)
          : MHD_create_response_from_buffer(strlen(response.body), (void *)(size_t)response.body,
                                            MHD_RESPMEM_PERSISTENT);
  if (!message)
    abort();
  for (size_t i = 0; i < response.len; i++) {
    MHD_add_response_header(message, response.lines[i].name, response.lines[i].value);
    free(response.lines[i].name);
    free(response.lines[i].value);
  }
  enum MHD_Result result = MHD_queue_response(connection, response.status, message);
  MHD_destroy_response(message);
  return result;
}

// What is kept of a request while libmicrohttpd calls for it.
struct exchange {
  bool begun;
  char target[]; // As it was sent, with the query.
};

static void *begin(void *cls, const char *uri, struct MHD_Connection *connection) {
  (void)cls, (void)connection;
  size_t size = strlen(uri) + 1;
  struct exchange *exchange = malloc(sizeof *exchange + size);
  if (exchange) {
    exchange->begun = false;
    memcpy(exchange->target, uri, size);
  }
  return exchange;
}

static enum MHD_Result handle(void *policy, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **state) {
  (void)url, (void)version, (void)upload;
  struct exchange *exchange = *state;
  if (!exchange)
    return MHD_NO;
  // The first call brings the headers, further ones the body, which nobody wants, the last nothing.
  if (!exchange->begun) {
    exchange->begun = true;
    return MHD_YES;
  }
  if (*upload_len > 0) {
    *upload_len = 0;
    return MHD_YES;
  }
  return answer(policy, connection, method, exchange->target);
}

static void end(void *cls, struct MHD_Connection *connection, void **state,
                enum MHD_RequestTerminationCode code) {
  (void)cls, (void)connection, (void)code;
  free(*state);
  *state = NULL;
}

int main(int argc, char **argv) {
  const char *path = NULL;
  long port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--policy") == 0)
      path = argv[i + 1];
    else if (strcmp(argv[i], "--port") == 0)
      port = strtol(argv[i + 1], NULL, 10);
  }
  if (!path || argc % 2 == 0 || port < 0 || port > 65535) {
    fprintf(stderr, "usage: server --policy FILE [--port N]\n");
    return 2;
  }
  const corsac_policy *policy = load_policy(path);
  if (!policy)
    return 2;

  // Signals that stop the server are waited for below; the server's own thread never sees them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL);
  signal(SIGPIPE, SIG_IGN);

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, (void *)(size_t)policy,
      MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_URI_LOG_CALLBACK, begin, NULL,
      MHD_OPTION_NOTIFY_COMPLETED, end, NULL, MHD_OPTION_END);
  if (!daemon) {
    fprintf(stderr, "server: cannot listen on 127.0.0.1:%ld\n", port);
    corsac_policy_free(policy);
    return 1;
  }
  printf("listening http://127.0.0.1:%u\n",
         (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  fflush(stdout);

  int received;
  sigwait(&stop, &received);
  MHD_stop_daemon(daemon);
  corsac_policy_free(policy);
  return 0;
}
