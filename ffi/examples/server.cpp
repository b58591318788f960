// An HTTP server that answers cross-origin requests as a policy says, with libmicrohttpd.
//
//     g++ -std=c++17 -Wall -Wextra -Werror server.cpp -o server -lcorsac -lmicrohttpd
//     ./server --policy policy.json --port 8080
//
// All of CORS is in `answer`: show corsac the request, evaluate, apply the headers. The application
// behind it sets CORS headers of its own, as careless ones do, to show that they don't get through.

#include <corsac.hpp>
#include <microhttpd.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <pthread.h>
#include <string>
#include <string_view>
#include <vector>

using std::string;
using std::string_view;

namespace {

// --- The policy --------------------------------------------------------------------------------

// What corsac reads at most, so that a wrong file is not read to its end.
constexpr std::size_t max_file = std::size_t{256} << 20;

// The content of a file; none if it cannot be read, with the reason in errno.
std::optional<string> read_file(const char *path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path, "rb"), std::fclose);
  if (!file)
    return std::nullopt;
  string text;
  char part[65536];
  errno = 0;
  while (std::size_t len = std::fread(part, 1, sizeof part, file.get())) {
    text.append(part, len);
    if (text.size() > max_file) {
      errno = EFBIG;
      return std::nullopt;
    }
  }
  if (std::ferror(file.get()))
    return std::nullopt;
  return text;
}

// The policy of a file. Without one, every problem is printed as a compiler does: FILE:line:column: code: path: message.
corsac::policy load_policy(const char *path) {
  const std::optional<string> text = read_file(path);
  if (!text) {
    std::cerr << path << ": " << std::strerror(errno) << '\n';
    return {};
  }
  auto policy = corsac::policy::from_json(*text);
  for (const corsac::problem &problem : policy.error())
    std::cerr << path << ':' << problem.line << ':' << problem.column << ": " << problem.code << ": "
              << problem.path << ": " << problem.message << '\n';
  if (policy.error().unreported() > 0)
    std::cerr << path << ": and " << policy.error().unreported() << " more problems\n";
  if (!policy && policy.error().empty())
    std::cerr << path << ": " << corsac::name(policy.error().status()) << '\n';
  return *std::move(policy);
}

// --- The response, while it is made ------------------------------------------------------------

struct header_line {
  string name, value;
};

struct response {
  unsigned status = 0;
  string_view body = "";
  bool is_stream = false; // The body is sent in parts.
  std::vector<header_line> lines;

  void remove(string_view name) {
    const auto has_name = [&](const header_line &line) { return same(line.name, name); };
    lines.erase(std::remove_if(lines.begin(), lines.end(), has_name), lines.end());
  }

  void add(string_view name, string_view value) {
    lines.push_back({string(name), string(value)});
    // A tab is as good as a space in a header, but libmicrohttpd sends none.
    std::replace(lines.back().value.begin(), lines.back().value.end(), '\t', ' ');
  }

  // Merges a name into Vary, whose lines become one; what is there already, or *, stays as it is.
  void merge_vary(string_view token) {
    string merged;
    for (const header_line &line : lines) {
      if (!same(line.name, "Vary"))
        continue;
      for (string_view rest = line.value; !rest.empty();) {
        rest.remove_prefix(std::min(rest.find_first_not_of(", \t"), rest.size()));
        const string_view there = rest.substr(0, rest.find_first_of(", \t"));
        rest.remove_prefix(there.size());
        if (there == "*" || same(there, token))
          return;
        if (!there.empty())
          merged.append(there).append(", ");
      }
    }
    remove("Vary");
    add("Vary", merged.append(token));
  }

  // Applies a decision; the response is the application's, or empty.
  void apply(const corsac::decision &decision) {
    if (decision.removes_foreign_headers())
      for (string_view name : corsac::foreign_headers)
        remove(name);
    for (auto [op, name, value] : decision.headers()) {
      switch (op) {
      case corsac::op::vary:
        merge_vary(value);
        break;
      case corsac::op::set:
        remove(name);
        add(name, value);
        break;
      case corsac::op::add:
        add(name, value);
        break;
      }
    }
  }

  // Whether two names of headers are the same, in any case of letters.
  static bool same(string_view a, string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char left, char right) { return lower(left) == lower(right); });
  }
};

// --- The application ---------------------------------------------------------------------------

void application(const string &target, response &response) {
  response.add("Content-Type", "application/json");
  response.add("ETag", "\"v1\"");
  response.add("X-Total-Count", "42");
  response.add("X-Secret", "hidden");
  response.add("Cache-Control", "no-store");
  response.add("Vary", "Accept-Encoding");
  response.add("Access-Control-Allow-Origin", "*"); // Not its business: replaced or removed.
  response.add("Access-Control-Allow-Methods", "TRACE");
  unsigned status = 200;
  if (target == "/redirect") {
    status = 302;
    response.add("Location", "/landed");
  } else if (std::sscanf(target.c_str(), "/status/%3u", &status) == 1 && (status < 200 || status > 599))
    status = 404;
  response.status = status;
  response.is_stream = target == "/stream";
  // libmicrohttpd keeps the body back for 204, 304 and HEAD; 205 has none either (RFC 9110 section 15.3.6).
  if (status != 205)
    response.body = "{\"ok\":true,\"server\":\"cpp\"}";
}

// --- The log -----------------------------------------------------------------------------------

// Appends text between the quotes of a JSON string, for bytes that anybody may have sent.
void append_escaped(string &json, string_view text) {
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) {
      char escape[7];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      json += escape;
    } else {
      if (c == '"' || c == '\\')
        json += '\\';
      json += c;
    }
  }
}

struct request_line {
  string_view name, value;
};

void append_header(string &json, string_view key, string_view name, const std::vector<request_line> &lines) {
  json.append(",\"").append(key).append("\":");
  bool found = false;
  for (const request_line &line : lines) {
    if (!response::same(line.name, name))
      continue;
    json += found ? ", " : "\"";
    append_escaped(json, line.value);
    found = true;
  }
  json += found ? "\"" : "null";
}

// One line of JSON per request.
void log_decision(string_view method, string_view target, const std::vector<request_line> &lines,
                  const corsac::decision &decision) {
  string json = "{\"method\":\"";
  append_escaped(json, method);
  json += "\",\"target\":\"";
  append_escaped(json, target);
  json.append("\",\"kind\":\"").append(corsac::name(decision.kind()));
  json.append("\",\"action\":\"").append(corsac::name(decision.action()));
  json.append("\",\"allowed\":").append(decision.allowed() ? "true" : "false");
  json.append(",\"reason\":\"").append(corsac::name(decision.reason())).append("\"");
  append_header(json, "origin", "Origin", lines);
  append_header(json, "request_method", "Access-Control-Request-Method", lines);
  append_header(json, "request_headers", "Access-Control-Request-Headers", lines);
  append_header(json, "cookie", "Cookie", lines);
  std::cout << json << '}' << std::endl;
}

// --- Requests ----------------------------------------------------------------------------------

MHD_Result keep_line(void *lines, MHD_ValueKind, const char *name, std::size_t name_len, const char *value,
                     std::size_t value_len) {
  static_cast<std::vector<request_line> *>(lines)->push_back(
      {string_view(name, name_len), value ? string_view(value, value_len) : string_view()});
  return MHD_YES;
}

// Gives the next part of a static text that is sent in parts of 8 bytes.
ssize_t next_part(void *text, std::uint64_t position, char *out, std::size_t cap) {
  const string_view rest = string_view(static_cast<const char *>(text)).substr(position);
  if (rest.empty())
    return MHD_CONTENT_READER_END_OF_STREAM;
  return static_cast<ssize_t>(rest.copy(out, std::min<std::size_t>(cap, 8)));
}

MHD_Result answer(const corsac::policy &policy, MHD_Connection *connection, const char *method, const string &target) {
  // 1. Show corsac every header line. What it keeps points into the connection, which outlives us.
  std::vector<request_line> lines;
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, keep_line, &lines);
  corsac::request request(method);
  for (const request_line &line : lines)
    request.header(line.name, line.value);

  // 2. Decide. If that fails, which is a defect, the decision grants nothing.
  const corsac::decision decision = policy.evaluate(request);
  log_decision(method, target, lines, decision);

  // 3. Let the application respond, or respond in its place; then apply the headers.
  response response;
  if (!decision.made() && string_view(method) == "OPTIONS")
    response.status = 500;
  else if (decision.action() == corsac::action::respond)
    response.status = decision.status();
  else
    application(target, response);
  response.apply(decision);

  // libmicrohttpd only reads the body, but its C does not say so.
  char *body = const_cast<char *>(response.body.data());
  MHD_Response *message =
      response.is_stream
          ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, next_part, body, nullptr)
          : MHD_create_response_from_buffer(response.body.size(), body, MHD_RESPMEM_PERSISTENT);
  if (!message)
    std::abort();
  for (const header_line &line : response.lines)
    MHD_add_response_header(message, line.name.c_str(), line.value.c_str());
  const MHD_Result result = MHD_queue_response(connection, response.status, message);
  MHD_destroy_response(message);
  return result;
}

// What is kept of a request while libmicrohttpd calls for it.
struct exchange {
  bool begun;
  string target; // As it was sent, with the query.
};

void *begin(void *, const char *uri, MHD_Connection *) { return new (std::nothrow) exchange{false, uri}; }

MHD_Result handle(void *policy, MHD_Connection *connection, const char *, const char *method, const char *,
                  const char *, std::size_t *upload_len, void **state) {
  exchange *exchange = static_cast<struct exchange *>(*state);
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
  return answer(*static_cast<const corsac::policy *>(policy), connection, method, exchange->target);
}

void end(void *, MHD_Connection *, void **state, MHD_RequestTerminationCode) {
  delete static_cast<exchange *>(*state);
  *state = nullptr;
}

} // namespace

int main(int argc, char **argv) {
  const char *path = nullptr;
  long port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (string_view(argv[i]) == "--policy")
      path = argv[i + 1];
    else if (string_view(argv[i]) == "--port")
      port = std::strtol(argv[i + 1], nullptr, 10);
  }
  if (!path || argc % 2 == 0 || port < 0 || port > 65535) {
    std::cerr << "usage: server --policy FILE [--port N]\n";
    return 2;
  }
  corsac::policy policy = load_policy(path);
  if (!policy)
    return 2;

  // Signals that stop the server are waited for below; the server's own thread never sees them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<unsigned short>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, nullptr, nullptr, handle, &policy,
                                        MHD_OPTION_SOCK_ADDR, reinterpret_cast<sockaddr *>(&address),
                                        MHD_OPTION_URI_LOG_CALLBACK, begin, nullptr,
                                        MHD_OPTION_NOTIFY_COMPLETED, end, nullptr, MHD_OPTION_END);
  if (!daemon) {
    std::cerr << "server: cannot listen on 127.0.0.1:" << port << '\n';
    return 1;
  }
  std::cout << "listening http://127.0.0.1:" << MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port
            << std::endl;

  int received;
  sigwait(&stop, &received);
  MHD_stop_daemon(daemon);
}
