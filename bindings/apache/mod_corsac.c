// mod_corsac.c: CORS policies for Apache httpd 2.4, over corsac.h.
//
//     CorsacPolicyFile api corsac/api.json
//     <Location "/api/">
//       Corsac api
//     </Location>
//
// A request is decided in post_perdir_config, the first hook that knows its location and .htaccess files,
// before access control and every handler: preflights are answered there. The decision is applied by an
// output filter that every request has from its creation on, next to the one that writes the headers, so
// that nothing comes after it and no error, redirect or cached response goes without it.
//
// What a request that never reaches the hook gets (a redirect of the whole server, a hit in a cache that
// is asked first, a request that makes no sense) is decided in the filter.

#include <corsac.h>

// The others need it.
#include <httpd.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#if !AP_MODULE_MAGIC_AT_LEAST(20120211, 109)
#error "mod_corsac needs Apache httpd 2.4.49 or later"
#endif

APLOG_USE_MODULE(corsac);

// --- The configuration -------------------------------------------------------------------------

// A name that a configuration defines, or has used so far.
typedef struct {
  const char *name;
  const corsac_policy *policy; // NULL until a CorsacPolicyFile defines it
  const char *file;            // the document, and the directive that names it
  const char *place;
  const char *used; // where the first Corsac that names it stands
} named_policy;

// The policies of the current configuration. Written while it is read, by one thread; read after that.
static apr_hash_t *policies;
// The warnings of its documents, lines of text. They wait for an error log to be open.
static apr_array_header_t *warnings;
// Whether requests need to be looked at: false until a policy is defined.
static int any_policy;

// `Corsac off`.
static named_policy policy_off = {.name = "off"};

enum { UNSET = -1 };

// What stands in a server, a location, a directory or an .htaccess file.
typedef struct {
  const named_policy *policy; // NULL where nothing is said
  int preflight_pass;
  int report;
} place_config;

static void *create_place_config(apr_pool_t *pool, char *path) {
  (void)path;
  place_config *config = apr_palloc(pool, sizeof *config);
  *config = (place_config){NULL, UNSET, UNSET};
  return config;
}

static void *merge_place_configs(apr_pool_t *pool, void *outer, void *inner) {
  const place_config *parent = outer, *child = inner;
  place_config *config = apr_palloc(pool, sizeof *config);
  config->policy = child->policy ? child->policy : parent->policy;
  config->preflight_pass =
      child->preflight_pass != UNSET ? child->preflight_pass : parent->preflight_pass;
  config->report = child->report != UNSET ? child->report : parent->report;
  return config;
}

// The policies belong to the pool of the configuration, which lives until the next one is read.
static int begin_configuration(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary) {
  (void)log, (void)temporary;
  policies = apr_hash_make(pool);
  warnings = apr_array_make(pool, 4, sizeof(const char *));
  any_policy = 0;
  return OK;
}

static apr_status_t free_policy(void *policy) {
  corsac_policy_free(policy);
  return APR_SUCCESS;
}

static named_policy *find_or_add(apr_pool_t *pool, const char *name) {
  named_policy *entry = apr_hash_get(policies, name, APR_HASH_KEY_STRING);
  if (!entry) {
    entry = apr_pcalloc(pool, sizeof *entry);
    entry->name = apr_pstrdup(pool, name);
    apr_hash_set(policies, entry->name, APR_HASH_KEY_STRING, entry);
  }
  return entry;
}

// The names that are defined, in the order of the alphabet, and `off`: for messages.
static const char *defined_names(apr_pool_t *pool) {
  apr_array_header_t *names = apr_array_make(pool, 8, sizeof(const char *));
  for (apr_hash_index_t *at = apr_hash_first(pool, policies); at; at = apr_hash_next(at)) {
    void *entry;
    apr_hash_this(at, NULL, NULL, &entry);
    const named_policy *policy = entry;
    if (!policy->policy)
      continue;
    const char **names_at = apr_array_push(names);
    int i = names->nelts - 1;
    for (; i > 0 && strcmp(policy->name, ((const char **)names->elts)[i - 1]) < 0; i--, names_at--)
      *names_at = names_at[-1];
    *names_at = policy->name;
  }
  *(const char **)apr_array_push(names) = "off";
  const char *list = ((const char **)names->elts)[0];
  for (int i = 1; i < names->nelts; i++)
    list = apr_pstrcat(pool, list, i + 1 < names->nelts ? ", " : " or ", ((const char **)names->elts)[i],
                       NULL);
  return list;
}

static const char *no_such_policy(apr_pool_t *pool, const char *name) {
  return apr_psprintf(pool,
                      "no policy is named \"%s\": write Corsac %s, or define it in the server's "
                      "configuration by CorsacPolicyFile %s PATH",
                      name, defined_names(pool), name);
}

// --- A policy file -----------------------------------------------------------------------------

// What corsac reads at most, so that a wrong file is not read to its end.
#define MAX_FILE (256 << 20)

// Reads a whole file into memory of the pool; returns what went wrong, or NULL.
static const char *read_file(apr_pool_t *pool, const char *path, corsac_str *text) {
  apr_file_t *file;
  apr_finfo_t info;
  char reason[120];
  apr_status_t status =
      apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT, pool);
  if (status != APR_SUCCESS)
    return apr_psprintf(pool, "%s: %s", path, apr_strerror(status, reason, sizeof reason));
  status = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, file);
  if (status == APR_SUCCESS && info.filetype != APR_REG)
    return apr_psprintf(pool, "%s: this is not a file: name a policy document", path);
  if (status == APR_SUCCESS && info.size > MAX_FILE)
    return apr_psprintf(pool, "%s: larger than %d bytes: name a policy document", path, MAX_FILE);
  if (status == APR_SUCCESS) {
    apr_size_t size = (apr_size_t)info.size;
    char *bytes = apr_palloc(pool, size + 1);
    status = size ? apr_file_read_full(file, bytes, size, &size) : APR_SUCCESS;
    *text = corsac_str_n(bytes, size);
  }
  apr_file_close(file);
  if (status != APR_SUCCESS && !APR_STATUS_IS_EOF(status))
    return apr_psprintf(pool, "%s: %s", path, apr_strerror(status, reason, sizeof reason));
  return NULL;
}

// One problem or warning, as a compiler prints it: FILE:line:column: code: path: message.
static const char *problem_line(apr_pool_t *pool, const char *path, const corsac_error *error, size_t i) {
  corsac_str code = corsac_error_code(error, i);
  corsac_str where = corsac_error_path(error, i);
  corsac_str message = corsac_error_message(error, i);
  return apr_psprintf(pool, "%s:%u:%u: %.*s: %.*s: %.*s", path, corsac_error_line(error, i),
                      corsac_error_column(error, i), (int)code.len, code.data, (int)where.len,
                      where.data, (int)message.len, message.data);
}

// Logs every problem of a document on a line of its own, since a log escapes the end of a line.
static const char *report_problems(cmd_parms *cmd, const char *path, const corsac_error *error) {
  size_t len = corsac_error_len(error), unreported = corsac_error_unreported(error);
  for (size_t i = 0; i < len; i++)
    ap_log_perror(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, cmd->temp_pool, "%s",
                  problem_line(cmd->temp_pool, path, error, i));
  if (unreported > 0)
    ap_log_perror(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, cmd->temp_pool,
                  "%s: and %" APR_SIZE_T_FMT " more problems", path, unreported);
  return apr_psprintf(cmd->pool, "CorsacPolicyFile: %" APR_SIZE_T_FMT " problem%s in the policy document, %s",
                      len + unreported, len + unreported == 1 ? "" : "s",
                      len == 0 ? path
                      : len + unreported == 1
                          ? problem_line(cmd->pool, path, error, 0)
                          : apr_psprintf(cmd->pool, "each logged above, first %s",
                                         problem_line(cmd->pool, path, error, 0)));
}

static void keep_warnings(cmd_parms *cmd, const char *path, const corsac_policy *policy) {
  corsac_error *found = NULL;
  if (corsac_policy_warnings(policy, &found) == CORSAC_STATUS_OK) {
    for (size_t i = 0; i < corsac_error_len(found); i++)
      *(const char **)apr_array_push(warnings) = problem_line(cmd->pool, path, found, i);
    if (corsac_error_unreported(found) > 0)
      *(const char **)apr_array_push(warnings) =
          apr_psprintf(cmd->pool, "%s: and %" APR_SIZE_T_FMT " more warnings", path,
                       corsac_error_unreported(found));
  }
  corsac_error_free(found);
}

static const char *place_of(cmd_parms *cmd) {
  return apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
}

static const char *set_policy_file(cmd_parms *cmd, void *config, const char *name, const char *path) {
  (void)config;
  const char *failure = ap_check_cmd_context(cmd, GLOBAL_ONLY);
  if (failure)
    return failure;
  if (!*name || ap_cstr_casecmp(name, "off") == 0)
    return apr_psprintf(cmd->pool, "CorsacPolicyFile: a policy cannot be named \"%s\", choose another name", name);
  const char *full = ap_server_root_relative(cmd->pool, path);
  if (!full)
    return apr_psprintf(cmd->pool, "CorsacPolicyFile: \"%s\" is no valid path", path);
  named_policy *entry = find_or_add(cmd->pool, name);
  if (entry->policy)
    return apr_psprintf(cmd->pool,
                        "CorsacPolicyFile: the name \"%s\" is taken by %s (at %s), choose another name",
                        name, entry->file, entry->place);

  corsac_str text = {NULL, 0};
  failure = read_file(cmd->temp_pool, full, &text);
  if (failure)
    return apr_pstrcat(cmd->pool, "CorsacPolicyFile: ", failure, NULL);
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  corsac_status status = corsac_policy_from_json(text, &policy, &error);
  if (status == CORSAC_STATUS_CONFIG)
    failure = report_problems(cmd, full, error);
  else if (status != CORSAC_STATUS_OK)
    failure = apr_psprintf(cmd->pool, "CorsacPolicyFile: %s: %s", full, corsac_status_name(status));
  corsac_error_free(error);
  if (failure)
    return failure;

  apr_pool_cleanup_register(cmd->pool, policy, free_policy, apr_pool_cleanup_null);
  entry->policy = policy;
  entry->file = full;
  entry->place = place_of(cmd);
  any_policy = 1;
  keep_warnings(cmd, full, policy);
  return NULL;
}

// --- The other directives ----------------------------------------------------------------------

// A preflight has another method than the request it asks for, so both need one policy: no methods to choose by.
static const char *misplaced(cmd_parms *cmd) {
  return ap_check_cmd_context(cmd, NOT_IN_LIMIT);
}

static const char *set_policy(cmd_parms *cmd, void *config, const char *name) {
  place_config *place = config;
  const char *failure = misplaced(cmd);
  if (failure)
    return failure;
  if (ap_cstr_casecmp(name, "off") == 0) {
    place->policy = &policy_off;
    return NULL;
  }
  // While a request reads an .htaccess file, all policies are there and nothing is added.
  if (cmd->pool == cmd->temp_pool) {
    const named_policy *entry = apr_hash_get(policies, name, APR_HASH_KEY_STRING);
    if (!entry)
      return apr_pstrcat(cmd->pool, "Corsac: ", no_such_policy(cmd->pool, name), NULL);
    place->policy = entry;
    return NULL;
  }
  // In the server's configuration the name may be defined further down.
  named_policy *entry = find_or_add(cmd->pool, name);
  if (!entry->used)
    entry->used = place_of(cmd);
  place->policy = entry;
  return NULL;
}

static const char *set_preflight(cmd_parms *cmd, void *config, const char *value) {
  const char *failure = misplaced(cmd);
  if (failure)
    return failure;
  int pass = ap_cstr_casecmp(value, "pass") == 0;
  if (!pass && ap_cstr_casecmp(value, "answer") != 0)
    return apr_psprintf(cmd->pool, "CorsacPreflight: \"%s\" is neither answer nor pass, write one of them", value);
  ((place_config *)config)->preflight_pass = pass;
  return NULL;
}

static const char *set_report(cmd_parms *cmd, void *config, int on) {
  const char *failure = misplaced(cmd);
  if (!failure)
    ((place_config *)config)->report = on;
  return failure;
}

// All directives of the server are read: every name has to be defined.
static int check_configuration(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *server) {
  (void)pool, (void)log;
  int result = OK;
  for (apr_hash_index_t *at = apr_hash_first(temporary, policies); at; at = apr_hash_next(at)) {
    void *value;
    apr_hash_this(at, NULL, NULL, &value);
    const named_policy *entry = value;
    if (entry->policy)
      continue;
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, server, "%s: Corsac: %s", entry->used,
                 no_such_policy(temporary, entry->name));
    result = HTTP_INTERNAL_SERVER_ERROR;
  }
  return result;
}

static void log_warnings(int level, server_rec *server) {
  for (int i = 0; i < warnings->nelts; i++)
    ap_log_error(APLOG_MARK, level, 0, server, "%s", ((const char **)warnings->elts)[i]);
}

// The first of the two readings of a start is only a rehearsal.
static int use_configuration(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *server) {
  (void)pool, (void)log, (void)temporary;
  if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG)
    log_warnings(APLOG_WARNING, server);
  return OK;
}

static void test_configuration(apr_pool_t *pool, server_rec *server) {
  (void)pool;
  log_warnings(APLOG_STARTUP | APLOG_WARNING, server);
}

// --- The decision of a request -----------------------------------------------------------------

// What a request knows of its policy: made once, for all the requests that one request becomes by
// internal redirects.
typedef struct {
  const place_config *place;
  corsac_request request;
  corsac_decision decision;
  corsac_status status;
  int dropped; // whether the rest of another response is being dropped
} outcome;

// What stands in the place of an outcome where the hook found no policy.
static outcome no_outcome;

// The outcome of a request, or of the one it was before an internal redirect; NULL if there is none.
static outcome *find_outcome(request_rec *r) {
  for (request_rec *at = r; at; at = at->prev) {
    outcome *found = ap_get_module_config(at->request_config, &corsac_module);
    if (found && found != &no_outcome)
      return found;
  }
  return NULL;
}

static const char *kind_name(uint32_t kind) {
  switch (kind) {
  case CORSAC_KIND_NONE:
    return "none";
  case CORSAC_KIND_NOT_CORS:
    return "not-cors";
  case CORSAC_KIND_ACTUAL:
    return "actual";
  case CORSAC_KIND_PREFLIGHT:
    return "preflight";
  default:
    return "unknown";
  }
}

// The bytes of a value that a note holds at most, before they are escaped.
#define MAX_NOTE 128

static int is_plain(unsigned char byte) {
  return byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\';
}

// A header's value, which anybody may have sent, for a log: printable ASCII without quotes, cut where it is too long.
static const char *escape(apr_pool_t *pool, corsac_str value) {
  static const char hex[] = "0123456789abcdef";
  size_t len = value.len < MAX_NOTE ? value.len : MAX_NOTE, plain = 0, out = 0;
  while (plain < len && is_plain((unsigned char)value.data[plain]))
    plain++;
  if (plain == value.len)
    return value.data; // Ends with a NUL, as all values of Apache's tables do.
  char *escaped = apr_palloc(pool, 4 * len + sizeof "...");
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)value.data[i];
    if (is_plain(byte)) {
      escaped[out++] = (char)byte;
    } else {
      escaped[out++] = '\\';
      escaped[out++] = 'x';
      escaped[out++] = hex[byte >> 4];
      escaped[out++] = hex[byte & 15];
    }
  }
  strcpy(escaped + out, value.len > len ? "..." : "");
  return escaped;
}

// A log reads the notes of the request that came last in a row of internal redirects. Once for each request, so
// none is there yet.
static void add_notes(request_rec *r, const outcome *outcome) {
  const corsac_decision *decision = &outcome->decision;
  apr_table_addn(r->notes, "CORSAC_POLICY", outcome->place->policy->name);
  apr_table_addn(r->notes, "CORSAC_KIND", kind_name(decision->kind));
  apr_table_addn(r->notes, "CORSAC_ALLOWED", decision->allowed ? "1" : "0");
  apr_table_addn(r->notes, "CORSAC_REASON", corsac_reason_name(decision->reason));
  if (outcome->request.origin_lines > 0)
    apr_table_addn(r->notes, "CORSAC_ORIGIN", escape(r->pool, outcome->request.origin));
}

static outcome *decide(request_rec *r, const place_config *place) {
  outcome *made = apr_palloc(r->pool, sizeof *made);
  made->place = place;
  made->dropped = 0;
  corsac_request_start(&made->request, corsac_str_z(r->method));
  const apr_array_header_t *lines = apr_table_elts(r->headers_in);
  const apr_table_entry_t *line = (const apr_table_entry_t *)lines->elts;
  for (int i = 0; i < lines->nelts; i++)
    corsac_request_header(&made->request, corsac_str_n(line[i].key, strlen(line[i].key)),
                          corsac_str_n(line[i].val, strlen(line[i].val)));
  corsac_decision_start(&made->decision);
  made->status = corsac_policy_evaluate(place->policy->policy, &made->request, &made->decision);
  if (made->status != CORSAC_STATUS_OK)
    ap_log_rerror(APLOG_MARK, APLOG_ALERT, 0, r,
                  "the policy \"%s\" could not decide this request (%s): it gets no CORS headers",
                  place->policy->name, corsac_status_name(made->status));
  // Where nothing is enforced, the log is what people look at.
  int level = place->report == 1 ? APLOG_INFO : APLOG_DEBUG;
  if (APLOG_R_IS_LEVEL(r, level)) {
    char text[CORSAC_MAX_LINE];
    corsac_decision_format(&made->decision, text, sizeof text);
    ap_log_rerror(APLOG_MARK, level, 0, r, "policy \"%s\"%s: %s", place->policy->name,
                  place->report == 1 ? ", report only" : "", text);
  }
  ap_set_module_config(r->request_config, &corsac_module, made);
  add_notes(r, made);
  return made;
}

static const place_config *place_at(const ap_conf_vector_t *configs) {
  const place_config *place = ap_get_module_config(configs, &corsac_module);
  return place->policy && place->policy->policy ? place : NULL;
}

// The status to respond with in place of the application; 0 if it responds itself.
static int own_status(const request_rec *r, const outcome *outcome) {
  const corsac_decision *decision = &outcome->decision;
  if (outcome->place->report == 1)
    return 0;
  if (outcome->status != CORSAC_STATUS_OK)
    return strcmp(r->method, "OPTIONS") == 0 ? HTTP_INTERNAL_SERVER_ERROR : 0;
  if (decision->action != CORSAC_ACTION_RESPOND)
    return 0;
  if (decision->kind == CORSAC_KIND_PREFLIGHT && outcome->place->preflight_pass == 1)
    return 0;
  return (int)decision->status;
}

// Location, directories and .htaccess files are known; nothing else has happened yet.
static int decide_request(request_rec *r) {
  if (r->main || !any_policy)
    return DECLINED;
  outcome *found = r->prev ? find_outcome(r->prev) : NULL;
  if (found) {
    // The first place with a policy speaks for the request; it has been heard already.
    ap_set_module_config(r->request_config, &corsac_module, found);
    add_notes(r, found);
    return DECLINED;
  }
  const place_config *place = place_at(r->per_dir_config);
  if (!place) {
    ap_set_module_config(r->request_config, &corsac_module, &no_outcome);
    return DECLINED;
  }
  found = decide(r, place);
  int status = own_status(r, found);
  // The page of an error is no application that could be kept from running.
  if (status == 0 || (r->prev && ap_is_HTTP_ERROR(r->prev->status)))
    return DECLINED;
  // Apache drops a body that nobody reads; the filter applies the headers to the empty response.
  r->status = status;
  return DONE;
}

// Makes of a path, as it came, the one that <Location> is compared with, as Apache itself does it: a path
// that is written differently has no other policy. Returns false if Apache refuses it.
static int decode_path(const request_rec *r, char *path) {
  const core_server_config *server = ap_get_core_module_config(r->server->module_config);
  const core_dir_config *place = ap_get_core_module_config(r->per_dir_config);
  unsigned int flags = AP_NORMALIZE_NOT_ABOVE_ROOT;
  if (server->merge_slashes != AP_CORE_CONFIG_OFF)
    flags |= AP_NORMALIZE_MERGE_SLASHES;
  if (!ap_normalize_path(path, flags | AP_NORMALIZE_DECODE_UNRESERVED))
    return 0;
  if (!place->allow_encoded_slashes)
    return ap_unescape_url(path) == OK;
  // Slashes that were encoded can make folders to be left out again.
  return ap_unescape_url_keep2f(path, place->decode_encoded_slashes) == OK &&
         (!place->decode_encoded_slashes || ap_normalize_path(path, flags));
}

// The policy of a request that did not get as far as the hook: what its path alone tells.
static const place_config *place_by_path(request_rec *r) {
  // Of an internal redirect too: the path that it leads to.
  const char *target = r->unparsed_uri;
  if (!target)
    return place_at(r->per_dir_config);
  char *path;
  if (*target == '/') {
    path = apr_pstrmemdup(r->pool, target, strcspn(target, "?#"));
  } else {
    apr_uri_t uri;
    if (apr_uri_parse(r->pool, target, &uri) != APR_SUCCESS || !uri.path)
      return place_at(r->per_dir_config);
    path = uri.path;
  }
  if (!decode_path(r, path))
    return place_at(r->per_dir_config);
  char *uri = r->uri;
  ap_conf_vector_t *configs = r->per_dir_config;
  r->uri = path;
  const place_config *place = ap_location_walk(r) == OK ? place_at(r->per_dir_config) : NULL;
  r->uri = uri;
  r->per_dir_config = configs;
  return place;
}

// The outcome of a request whose response is there already; NULL if it has no policy.
static outcome *decide_late(request_rec *r, int was_at_hook) {
  outcome *found = find_outcome(r);
  if (found)
    return found;
  // Another module may have changed the place since the hook, as mod_dir does for the index of a folder.
  const place_config *place = was_at_hook ? place_at(r->per_dir_config) : place_by_path(r);
  return place ? decide(r, place) : NULL;
}

// --- The response ------------------------------------------------------------------------------

static void remove_lines(request_rec *r, const char *name) {
  apr_table_unset(r->headers_out, name);
  apr_table_unset(r->err_headers_out, name);
}

#define CORS_PREFIX "Access-Control-"

// Whether a name is one of CORS.
static int is_cors(const char *name) {
  return (*name | 0x20) == 'a' && strncasecmp(name, CORS_PREFIX, sizeof CORS_PREFIX - 1) == 0;
}

// Whether a table has a line of CORS: there is hardly ever one, and a look is cheaper than to remove each name.
static int has_cors(const apr_table_t *table) {
  const apr_array_header_t *lines = apr_table_elts(table);
  const apr_table_entry_t *line = (const apr_table_entry_t *)lines->elts;
  for (int i = 0; i < lines->nelts; i++)
    if (is_cors(line[i].key))
      return 1;
  return 0;
}

static int has_token(const char *list, const char *token, size_t len) {
  while (*list) {
    list += strspn(list, ", \t");
    size_t size = strcspn(list, ", \t");
    if (size == len && strncasecmp(list, token, len) == 0)
      return 1;
    list += size;
  }
  return 0;
}

// Merges a name into Vary, whose lines become one; what is there already, or *, stays.
static void merge_vary(request_rec *r, corsac_str token) {
  const char *merged = NULL;
  int found = 0;
  apr_table_t *const tables[] = {r->err_headers_out, r->headers_out};
  for (size_t t = 0; t < 2; t++) {
    const apr_array_header_t *lines = apr_table_elts(tables[t]);
    const apr_table_entry_t *line = (const apr_table_entry_t *)lines->elts;
    for (int i = 0; i < lines->nelts; i++) {
      if ((*line[i].key | 0x20) != 'v' || ap_cstr_casecmp(line[i].key, "Vary") != 0)
        continue;
      found = 1;
      if (line[i].val[strspn(line[i].val, ", \t")])
        merged = merged ? apr_pstrcat(r->pool, merged, ", ", line[i].val, NULL) : line[i].val;
    }
  }
  const char *name = apr_pstrmemdup(r->pool, token.data, token.len);
  if (!merged)
    merged = name;
  else if (has_token(merged, "*", 1))
    merged = "*";
  else if (!has_token(merged, token.data, token.len))
    merged = apr_pstrcat(r->pool, merged, ", ", name, NULL);
  if (found)
    remove_lines(r, "Vary");
  apr_table_addn(r->headers_out, "Vary", merged);
}

// Applies a decision to the headers that the application and other modules have left.
static void apply(request_rec *r, const corsac_decision *decision) {
  static const char *const foreign[] = {CORSAC_FOREIGN_HEADERS};
  int cors = has_cors(r->headers_out) || has_cors(r->err_headers_out);
  if (cors && !(decision->flags & CORSAC_FLAG_FOREIGN_HEADERS_KEPT))
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
      remove_lines(r, foreign[i]);

  corsac_header headers[CORSAC_MAX_HEADERS];
  size_t len = corsac_decision_headers(decision, headers, CORSAC_MAX_HEADERS);
  for (size_t i = 0; i < len; i++) {
    if (headers[i].op == CORSAC_OP_VARY) {
      merge_vary(r, headers[i].value);
      continue;
    }
    const char *name = apr_pstrmemdup(r->pool, headers[i].name.data, headers[i].name.len);
    const char *value = apr_pstrmemdup(r->pool, headers[i].value.data, headers[i].value.len);
    if (headers[i].op == CORSAC_OP_SET && (cors || !is_cors(name)))
      remove_lines(r, name);
    if (headers[i].op == CORSAC_OP_SET || headers[i].op == CORSAC_OP_ADD)
      apr_table_addn(r->headers_out, name, value);
  }
}

// Throws a response away that should not have been made, and responds with a status alone.
static apr_status_t respond_instead(ap_filter_t *filter, apr_bucket_brigade *brigade, outcome *outcome, int status) {
  request_rec *r = filter->r;
  outcome->dropped = 1;
  apr_brigade_cleanup(brigade);
  apr_table_clear(r->headers_out);
  apr_table_clear(r->err_headers_out);
  r->content_type = NULL;
  r->content_encoding = NULL;
  r->content_languages = NULL;
  r->status = status;
  r->status_line = NULL;
  apply(r, &outcome->decision);
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(filter->c->bucket_alloc));
  return ap_pass_brigade(filter->next, brigade);
}

// What the filter remembers: the table of headers it has treated. An error that comes after that is
// another response, with another table.
typedef struct {
  const apr_table_t *treated;
} filter_state;

static apr_status_t filter_response(ap_filter_t *filter, apr_bucket_brigade *brigade) {
  request_rec *r = filter->r;
  filter_state *state = filter->ctx;
  // A switched protocol has no headers of ours, nor has what else is not final, and a brigade of nothing is no response yet.
  if (ap_is_HTTP_INFO(r->status) || APR_BRIGADE_EMPTY(brigade))
    return ap_pass_brigade(filter->next, brigade);

  outcome *outcome = ap_get_module_config(r->request_config, &corsac_module);
  if (outcome && outcome->dropped) {
    apr_brigade_cleanup(brigade);
    return APR_SUCCESS;
  }
  if (state->treated == r->headers_out)
    return ap_pass_brigade(filter->next, brigade);

  int late = !outcome || outcome == &no_outcome;
  if (late)
    outcome = decide_late(r, outcome != NULL);
  if (outcome && outcome->place->report != 1) {
    int status = late && r->status < HTTP_MULTIPLE_CHOICES ? own_status(r, outcome) : 0;
    if (status != 0) {
      state->treated = r->headers_out;
      return respond_instead(filter, brigade, outcome, status);
    }
    apply(r, &outcome->decision);
  }
  // Headers leave with the first data or with the end; until then they can change.
  for (apr_bucket *bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket))
    if (APR_BUCKET_IS_EOS(bucket) || !APR_BUCKET_IS_METADATA(bucket)) {
      state->treated = r->headers_out;
      break;
    }
  return ap_pass_brigade(filter->next, brigade);
}

static ap_filter_rec_t *response_filter;

// Before http_create_request, so that the filter stands before those that write a response, and among
// those of the protocol, so that it stays there when an error replaces the others.
static int add_filter(request_rec *r) {
  if (any_policy && !r->main && !r->prev)
    ap_add_output_filter_handle(response_filter, apr_pcalloc(r->pool, sizeof(filter_state)), r, r->connection);
  return OK;
}

// --- The module --------------------------------------------------------------------------------

static void register_hooks(apr_pool_t *pool) {
  (void)pool;
  ap_hook_pre_config(begin_configuration, NULL, NULL, APR_HOOK_MIDDLE);
  ap_hook_check_config(check_configuration, NULL, NULL, APR_HOOK_MIDDLE);
  ap_hook_test_config(test_configuration, NULL, NULL, APR_HOOK_MIDDLE);
  ap_hook_post_config(use_configuration, NULL, NULL, APR_HOOK_MIDDLE);
  ap_hook_create_request(add_filter, NULL, NULL, APR_HOOK_FIRST);
  ap_hook_post_perdir_config(decide_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
  response_filter = ap_register_output_filter("CORSAC", filter_response, NULL, AP_FTYPE_PROTOCOL);
}

static const command_rec directives[] = {
    AP_INIT_TAKE2("CorsacPolicyFile", set_policy_file, NULL, RSRC_CONF,
                  "a name for a policy, and the file with its document"),
    AP_INIT_TAKE1("Corsac", set_policy, NULL, OR_FILEINFO, "the name of a policy, or off"),
    AP_INIT_TAKE1("CorsacPreflight", set_preflight, NULL, OR_FILEINFO,
                  "answer: preflights end here; pass: the application responds to them"),
    AP_INIT_FLAG("CorsacReport", set_report, NULL, OR_FILEINFO,
                 "on: decide and log, and leave requests and responses alone"),
    {NULL},
};

module AP_MODULE_DECLARE_DATA corsac_module = {
    STANDARD20_MODULE_STUFF, create_place_config, merge_place_configs, NULL, NULL, directives, register_hooks,
};
