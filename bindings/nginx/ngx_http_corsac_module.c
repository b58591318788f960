
/*
 * Answers cross-origin requests as policies of corsac say.
 *
 * A request is decided in the rewrite phase, before "return", limits and authentication, by the
 * policy of the first location that has one.  A preflight, and with "refused_requests forbid" a
 * refused request, is answered there.  The headers of a decision are applied by a header filter
 * that runs after "add_header", to every final response of the request, whichever location made it.
 *
 * Policies are built before workers are forked and never change.  The decision and the request
 * facts that it borrows live in the pool of the request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <corsac.h>


/* contexts of our own: inside corsac_policy, and inside rule */
#define NGX_HTTP_CORSAC_POLICY_CONF   0x00100000
#define NGX_HTTP_CORSAC_RULE_CONF     0x00200000

/* the library refuses larger documents; this one is not read to its end */
#define NGX_HTTP_CORSAC_MAX_FILE      ((off_t) 256 << 20)

/* how much of a message fits a log line beside names and places */
#define NGX_HTTP_CORSAC_MAX_MESSAGE   1024

/* how much of a value that anybody may have sent is logged */
#define NGX_HTTP_CORSAC_MAX_VALUE     128

/* unknown names that are logged by a worker, once each */
#define NGX_HTTP_CORSAC_MAX_UNKNOWN   64

#define NGX_HTTP_CORSAC_OFF           0
#define NGX_HTTP_CORSAC_POLICY        1
#define NGX_HTTP_CORSAC_VARIABLE      2


typedef struct {
    ngx_str_t                    file;
    ngx_uint_t                   line;
} ngx_http_corsac_place_t;


typedef struct {
    ngx_str_t                    name;
    const corsac_policy         *policy;
    ngx_http_corsac_place_t      place;
} ngx_http_corsac_policy_t;


/* a directive inside corsac_policy or rule */

typedef struct {
    char                        *key;       /* as in the paths of problems */
    void                       (*set)(corsac_builder *builder, corsac_str value);
    unsigned                     rule:1;    /* a rule has it */
    unsigned                     list:1;    /* values add up */
} ngx_http_corsac_setting_t;


/* where a value, or with key NULL a rule, was written */

typedef struct {
    ngx_uint_t                   rule;
    char                        *key;
    ngx_uint_t                   index;
    ngx_http_corsac_place_t      place;
} ngx_http_corsac_value_t;


/* a corsac_policy that is being read */

typedef struct {
    corsac_builder              *builder;
    ngx_array_t                  values;    /* ngx_http_corsac_value_t */
    ngx_uint_t                   rule;      /* index of the current rule */
    ngx_uint_t                   rules;     /* rule blocks */
    ngx_uint_t                   counts[32];
    unsigned                     direct:1;  /* keys of a rule outside of rule */
    unsigned                     in_rule:1;
} ngx_http_corsac_draft_t;


typedef struct ngx_http_corsac_loc_conf_s  ngx_http_corsac_loc_conf_t;

typedef struct {
    ngx_array_t                  policies;  /* ngx_http_corsac_policy_t */
    ngx_array_t                  uses;      /* ngx_http_corsac_loc_conf_t * */
    ngx_http_corsac_draft_t     *draft;

    ngx_uint_t                   unknown_logged;
    uint32_t                     unknown[NGX_HTTP_CORSAC_MAX_UNKNOWN];

    unsigned                     failed:1;  /* a policy has problems, all printed */
} ngx_http_corsac_main_conf_t;


struct ngx_http_corsac_loc_conf_s {
    ngx_uint_t                   mode;
    ngx_http_corsac_policy_t    *policy;
    ngx_http_complex_value_t    *variable;

    ngx_flag_t                   pass;
    ngx_flag_t                   report;

    ngx_str_t                    name;      /* of the policy, until it is known */
    ngx_http_corsac_place_t      place;
};


typedef struct {
    ngx_http_corsac_policy_t    *policy;    /* NULL: a name that no policy has */
    corsac_status                status;

    unsigned                     report:1;
    unsigned                     pass:1;
    unsigned                     answered:1;

    corsac_decision              decision;
    corsac_request               request;
} ngx_http_corsac_ctx_t;


static ngx_int_t ngx_http_corsac_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_corsac_answer(ngx_http_request_t *r,
    ngx_http_corsac_ctx_t *ctx, ngx_uint_t status);
static ngx_int_t ngx_http_corsac_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_corsac_apply(ngx_http_request_t *r,
    ngx_http_corsac_ctx_t *ctx);
static ngx_int_t ngx_http_corsac_add_header(ngx_http_request_t *r,
    corsac_header *header);
static ngx_int_t ngx_http_corsac_merge_vary(ngx_http_request_t *r,
    corsac_header *headers, size_t n);
static ngx_uint_t ngx_http_corsac_vary_has(ngx_table_elt_t *vary,
    corsac_str token);

static ngx_http_corsac_ctx_t *ngx_http_corsac_get_ctx(ngx_http_request_t *r);
static ngx_int_t ngx_http_corsac_pin(ngx_http_request_t *r,
    ngx_http_corsac_loc_conf_t *clcf, ngx_http_corsac_ctx_t **ctxp);
static ngx_int_t ngx_http_corsac_select(ngx_http_request_t *r,
    ngx_http_corsac_loc_conf_t *clcf, ngx_http_corsac_policy_t **policy);
static void ngx_http_corsac_unknown(ngx_http_request_t *r,
    ngx_http_corsac_main_conf_t *cmcf, ngx_str_t *name);
static void ngx_http_corsac_decide(ngx_http_request_t *r,
    ngx_http_corsac_ctx_t *ctx);
static void ngx_http_corsac_pinned(void *data);

static ngx_int_t ngx_http_corsac_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static u_char *ngx_http_corsac_escape(u_char *p, u_char *data, size_t len);

static ngx_int_t ngx_http_corsac_add_variables(ngx_conf_t *cf);
static void *ngx_http_corsac_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_corsac_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_corsac_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_corsac_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_corsac_init(ngx_conf_t *cf);

static char *ngx_http_corsac(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_corsac_switch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_corsac_policy_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_corsac_policy_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_corsac_rule_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_corsac_setting(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_corsac_parse(ngx_conf_t *cf, ngx_uint_t type);
static ngx_int_t ngx_http_corsac_note(ngx_conf_t *cf,
    ngx_http_corsac_draft_t *draft, char *key, ngx_uint_t index);

static ngx_http_corsac_policy_t *ngx_http_corsac_new_policy(ngx_conf_t *cf,
    ngx_http_corsac_main_conf_t *cmcf, ngx_str_t *name);
static ngx_http_corsac_policy_t *ngx_http_corsac_find_policy(
    ngx_http_corsac_main_conf_t *cmcf, ngx_str_t *name);
static char *ngx_http_corsac_built(ngx_conf_t *cf,
    ngx_http_corsac_policy_t *policy, corsac_status status,
    corsac_error *error, ngx_str_t *file, ngx_http_corsac_draft_t *draft);
static void ngx_http_corsac_print(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_corsac_policy_t *policy, corsac_error *error, ngx_str_t *file,
    ngx_http_corsac_draft_t *draft);
static ngx_http_corsac_place_t *ngx_http_corsac_place(
    ngx_http_corsac_policy_t *policy, ngx_http_corsac_draft_t *draft,
    corsac_str path);
static ngx_uint_t ngx_http_corsac_distance(ngx_str_t *a, ngx_str_t *b);
static void ngx_http_corsac_free_policy(void *data);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_str_t  ngx_http_corsac_vary = ngx_string("Vary");

static char      *ngx_http_corsac_foreign_names[] = { CORSAC_FOREIGN_HEADERS };
static ngx_str_t  ngx_http_corsac_foreign[
                      sizeof(ngx_http_corsac_foreign_names) / sizeof(char *)];
static uint64_t   ngx_http_corsac_foreign_lengths;

#define NGX_HTTP_CORSAC_FOREIGN                                               \
    (sizeof(ngx_http_corsac_foreign) / sizeof(ngx_str_t))


/* the words of a switch, the one for no first */

static ngx_str_t  ngx_http_corsac_preflight[] = {
    ngx_string("answer"), ngx_string("pass")
};

static ngx_str_t  ngx_http_corsac_on_off[] = {
    ngx_string("off"), ngx_string("on")
};


/* those without a function are no strings: ngx_http_corsac_setting knows them */

static ngx_http_corsac_setting_t  ngx_http_corsac_settings[] = {
    { "allow_origins", corsac_builder_allow_origin, 1, 1 },
    { "allow_methods", corsac_builder_allow_method, 1, 1 },
    { "allow_headers", corsac_builder_allow_header, 1, 1 },
    { "expose_headers", corsac_builder_expose_header, 1, 1 },
    { "allow_credentials", NULL, 1, 0 },
    { "max_age", NULL, 1, 0 },
    { "timing_allow_origin", corsac_builder_timing_allow_origin, 1, 0 },
    { "dangerously_allow", corsac_builder_dangerously_allow, 1, 1 },
    { "name", corsac_builder_name, 1, 0 },
    { "description", corsac_builder_description, 1, 0 },
    { "preflight_status", NULL, 0, 0 },
    { "refused_requests", corsac_builder_refused_requests, 0, 0 },
    { "own_origins", corsac_builder_own_origin, 0, 1 },
    { "foreign_headers", corsac_builder_foreign_headers, 0, 0 },
    { "expect.allow", corsac_builder_expect_allow, 0, 1 },
    { "expect.refuse", corsac_builder_expect_refuse, 0, 1 },
    { "acknowledge", corsac_builder_acknowledge, 0, 1 },
};


#define NGX_HTTP_CORSAC_EITHER_CONF                                           \
    (NGX_HTTP_CORSAC_POLICY_CONF|NGX_HTTP_CORSAC_RULE_CONF)

/* where a directive may stand, or is told where it should */

#define NGX_HTTP_CORSAC_ANY_CONF                                              \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF                   \
     |NGX_HTTP_SIF_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF)

#define ngx_http_corsac_key(name, type, index)                                \
    { ngx_string(name), NGX_HTTP_CORSAC_ ## type ## _CONF|NGX_CONF_ANY,       \
      ngx_http_corsac_setting, NGX_HTTP_MAIN_CONF_OFFSET, 0,                  \
      &ngx_http_corsac_settings[index] }


static ngx_command_t  ngx_http_corsac_commands[] = {

    { ngx_string("corsac"),
      NGX_HTTP_CORSAC_ANY_CONF|NGX_CONF_ANY,
      ngx_http_corsac,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("corsac_preflight"),
      NGX_HTTP_CORSAC_ANY_CONF|NGX_CONF_ANY,
      ngx_http_corsac_switch,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_corsac_loc_conf_t, pass),
      &ngx_http_corsac_preflight },

    { ngx_string("corsac_report"),
      NGX_HTTP_CORSAC_ANY_CONF|NGX_CONF_ANY,
      ngx_http_corsac_switch,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_corsac_loc_conf_t, report),
      &ngx_http_corsac_on_off },

    { ngx_string("corsac_policy_file"),
      NGX_HTTP_CORSAC_ANY_CONF|NGX_CONF_ANY,
      ngx_http_corsac_policy_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("corsac_policy"),
      NGX_HTTP_CORSAC_ANY_CONF|NGX_CONF_BLOCK|NGX_CONF_ANY,
      ngx_http_corsac_policy_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rule"),
      NGX_HTTP_CORSAC_POLICY_CONF|NGX_CONF_BLOCK|NGX_CONF_ANY,
      ngx_http_corsac_rule_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("include"),
      NGX_HTTP_CORSAC_EITHER_CONF|NGX_CONF_TAKE1,
      ngx_conf_include,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_http_corsac_key("allow_origins", EITHER, 0),
    ngx_http_corsac_key("allow_methods", EITHER, 1),
    ngx_http_corsac_key("allow_headers", EITHER, 2),
    ngx_http_corsac_key("expose_headers", EITHER, 3),
    ngx_http_corsac_key("allow_credentials", EITHER, 4),
    ngx_http_corsac_key("max_age", EITHER, 5),
    ngx_http_corsac_key("timing_allow_origin", EITHER, 6),
    ngx_http_corsac_key("dangerously_allow", EITHER, 7),
    ngx_http_corsac_key("name", EITHER, 8),
    ngx_http_corsac_key("description", EITHER, 9),
    ngx_http_corsac_key("preflight_status", POLICY, 10),
    ngx_http_corsac_key("refused_requests", POLICY, 11),
    ngx_http_corsac_key("own_origins", POLICY, 12),
    ngx_http_corsac_key("foreign_headers", POLICY, 13),
    ngx_http_corsac_key("expect_allow", POLICY, 14),
    ngx_http_corsac_key("expect_refuse", POLICY, 15),
    ngx_http_corsac_key("acknowledge", POLICY, 16),

      ngx_null_command
};


static ngx_http_module_t  ngx_http_corsac_module_ctx = {
    ngx_http_corsac_add_variables,         /* preconfiguration */
    ngx_http_corsac_init,                  /* postconfiguration */

    ngx_http_corsac_create_main_conf,      /* create main configuration */
    ngx_http_corsac_init_main_conf,        /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_corsac_create_loc_conf,       /* create location configuration */
    ngx_http_corsac_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_corsac_module = {
    NGX_MODULE_V1,
    &ngx_http_corsac_module_ctx,           /* module context */
    ngx_http_corsac_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


#define NGX_HTTP_CORSAC_VAR_POLICY    0
#define NGX_HTTP_CORSAC_VAR_KIND      1
#define NGX_HTTP_CORSAC_VAR_ALLOWED   2
#define NGX_HTTP_CORSAC_VAR_REASON    3
#define NGX_HTTP_CORSAC_VAR_ORIGIN    4
#define NGX_HTTP_CORSAC_VAR_DECISION  5


static ngx_http_variable_t  ngx_http_corsac_vars[] = {

    { ngx_string("corsac_policy"), NULL, ngx_http_corsac_variable,
      NGX_HTTP_CORSAC_VAR_POLICY, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("corsac_kind"), NULL, ngx_http_corsac_variable,
      NGX_HTTP_CORSAC_VAR_KIND, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("corsac_allowed"), NULL, ngx_http_corsac_variable,
      NGX_HTTP_CORSAC_VAR_ALLOWED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("corsac_reason"), NULL, ngx_http_corsac_variable,
      NGX_HTTP_CORSAC_VAR_REASON, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("corsac_origin"), NULL, ngx_http_corsac_variable,
      NGX_HTTP_CORSAC_VAR_ORIGIN, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("corsac_decision"), NULL, ngx_http_corsac_variable,
      NGX_HTTP_CORSAC_VAR_DECISION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_inline corsac_str
ngx_http_corsac_str(ngx_str_t *str)
{
    return corsac_str_n((char *) str->data, str->len);
}


/*
 * Most headers of a request have no field in corsac_request, which saves the call.  The library
 * tells what is left apart.
 */

typedef char  ngx_http_corsac_all_fields_are_known[
                  (sizeof(corsac_request) == 30 * sizeof(void *) + 18 * 4)
                  ? 1 : -1];

static ngx_inline ngx_uint_t
ngx_http_corsac_may_be_fact(ngx_str_t *name)
{
    switch (name->len) {

    case sizeof("Host") - 1:
        return (name->data[0] | 0x20) == 'h';

    case sizeof("Origin") - 1:
        return (name->data[0] | 0x20) == 'o';

    case sizeof("Sec-Fetch-Site") - 1:
        return (name->data[10] | 0x20) == 's';

    case sizeof("Access-Control-Request-Method") - 1:
    case sizeof("Access-Control-Request-Headers") - 1:
        return (name->data[0] | 0x20) == 'a';
    }

    return 0;
}


static ngx_int_t
ngx_http_corsac_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_corsac_ctx_t       *ctx;
    ngx_http_corsac_loc_conf_t  *clcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_corsac_module);

    if (clcf->mode == NGX_HTTP_CORSAC_OFF) {
        return NGX_DECLINED;
    }

    if (ngx_http_corsac_get_ctx(r) != NULL) {

        /* decided in an earlier location, which did not answer */

        return NGX_DECLINED;
    }

    rc = ngx_http_corsac_pin(r, clcf, &ctx);

    if (rc != NGX_OK) {
        return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
    }

    if (ctx->report) {
        return NGX_DECLINED;
    }

    if (ctx->policy != NULL && ctx->status != CORSAC_STATUS_OK) {
        return (r->method == NGX_HTTP_OPTIONS)
               ? ngx_http_corsac_answer(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR)
               : NGX_DECLINED;
    }

    if (ctx->decision.action != CORSAC_ACTION_RESPOND
        || (ctx->pass && ctx->decision.kind == CORSAC_KIND_PREFLIGHT))
    {
        return NGX_DECLINED;
    }

    return ngx_http_corsac_answer(r, ctx, ctx->decision.status);
}


/* answers in the place of the location, without a body */

static ngx_int_t
ngx_http_corsac_answer(ngx_http_request_t *r, ngx_http_corsac_ctx_t *ctx,
    ngx_uint_t status)
{
    ngx_int_t  rc;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->answered = 1;

    r->headers_out.status = status;
    r->headers_out.content_length_n = (status == NGX_HTTP_NO_CONTENT) ? -1 : 0;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_http_corsac_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_corsac_ctx_t       *ctx;
    ngx_http_corsac_loc_conf_t  *clcf;

    if (r != r->main || r->headers_out.status < NGX_HTTP_OK) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_corsac_get_ctx(r);

    if (ctx == NULL) {

        /* a response from before the rewrite phase of a location, such as 413 */

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_corsac_module);

        if (clcf->mode == NGX_HTTP_CORSAC_OFF) {
            return ngx_http_next_header_filter(r);
        }

        rc = ngx_http_corsac_pin(r, clcf, &ctx);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            return ngx_http_next_header_filter(r);
        }
    }

    if (!ctx->report && ngx_http_corsac_apply(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/*
 * Applies the headers of a decision.  Lines of the response that a header replaces, and foreign
 * ones, are marked as deleted, which all writers of headers respect.
 */

static ngx_int_t
ngx_http_corsac_apply(ngx_http_request_t *r, ngx_http_corsac_ctx_t *ctx)
{
    size_t            i, n, vary, other;
    uint64_t          lengths;
    ngx_uint_t        k, remove;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;
    corsac_header     headers[CORSAC_MAX_HEADERS];

    n = corsac_decision_headers(&ctx->decision, headers, CORSAC_MAX_HEADERS);

    /* our own answer has no headers of an application that could be kept */

    remove = ctx->answered
             || !(ctx->decision.flags & CORSAC_FLAG_FOREIGN_HEADERS_KEPT);

    /* lengths of the names to look for */

    lengths = remove ? ngx_http_corsac_foreign_lengths : 0;
    vary = 0;

    for (i = 0; i < n; i++) {
        if (headers[i].op == CORSAC_OP_SET) {
            lengths |= (uint64_t) 1 << (headers[i].name.len & 63);

        } else if (headers[i].op == CORSAC_OP_VARY) {
            vary++;
        }
    }

    other = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (k = 0; k < part->nelts; k++) {

            if (h[k].key.len == ngx_http_corsac_vary.len) {
                other++;
            }

            if (!(lengths & ((uint64_t) 1 << (h[k].key.len & 63)))
                || h[k].hash == 0)
            {
                continue;
            }

            for (i = 0; remove && i < NGX_HTTP_CORSAC_FOREIGN; i++) {
                if (h[k].key.len == ngx_http_corsac_foreign[i].len
                    && ngx_strncasecmp(h[k].key.data,
                                       ngx_http_corsac_foreign[i].data,
                                       h[k].key.len)
                       == 0)
                {
                    h[k].hash = 0;
                    break;
                }
            }

            for (i = 0; h[k].hash && i < n; i++) {
                if (headers[i].op == CORSAC_OP_SET
                    && h[k].key.len == headers[i].name.len
                    && ngx_strncasecmp(h[k].key.data,
                                       (u_char *) headers[i].name.data,
                                       h[k].key.len)
                       == 0)
                {
                    h[k].hash = 0;
                }
            }
        }
    }

    if (vary == 1 && other == 0) {

        /* the most common case by far */

        for (i = 0; headers[i].op != CORSAC_OP_VARY; i++) { /* void */ }

        if (ngx_http_corsac_add_header(r, &headers[i]) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (vary) {
        if (ngx_http_corsac_merge_vary(r, headers, n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < n; i++) {
        if (headers[i].op == CORSAC_OP_SET || headers[i].op == CORSAC_OP_ADD) {
            if (ngx_http_corsac_add_header(r, &headers[i]) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_corsac_add_header(ngx_http_request_t *r, corsac_header *header)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    /* not copied: the strings live as long as the policy and the request */

    h->hash = 1;
    h->key.len = header->name.len;
    h->key.data = (u_char *) header->name.data;
    h->value.len = header->value.len;
    h->value.data = (u_char *) header->value.data;
    h->lowcase_key = NULL;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


/* merges names into Vary, all of whose lines become one, unless nothing is missing */

static ngx_int_t
ngx_http_corsac_merge_vary(ngx_http_request_t *r, corsac_header *headers,
    size_t n)
{
    size_t            i, j, len;
    u_char           *p;
    ngx_uint_t        k, missing[CORSAC_MAX_HEADERS], any;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *first;

    static corsac_str  star = { "*", 1 };

    first = NULL;
    len = 0;
    any = 0;

    for (i = 0; i < n; i++) {
        missing[i] = (headers[i].op == CORSAC_OP_VARY);
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (k = 0; k < part->nelts; k++) {

            if (h[k].hash == 0
                || h[k].key.len != ngx_http_corsac_vary.len
                || ngx_strncasecmp(h[k].key.data, ngx_http_corsac_vary.data,
                                   ngx_http_corsac_vary.len)
                   != 0)
            {
                continue;
            }

            if (ngx_http_corsac_vary_has(&h[k], star)) {
                return NGX_OK;
            }

            for (i = 0; i < n; i++) {
                if (missing[i]
                    && ngx_http_corsac_vary_has(&h[k], headers[i].value))
                {
                    missing[i] = 0;
                }
            }

            if (first == NULL) {
                first = &h[k];
            }

            len += h[k].value.len + sizeof(", ") - 1;
        }
    }

    for (i = 0; i < n; i++) {
        if (missing[i]) {
            any = 1;
            len += headers[i].value.len + sizeof(", ") - 1;
        }
    }

    if (!any) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (first == NULL) {
        first = ngx_list_push(&r->headers_out.headers);
        if (first == NULL) {
            return NGX_ERROR;
        }

        first->hash = 1;
        first->key = ngx_http_corsac_vary;
        first->lowcase_key = NULL;
#if (nginx_version >= 1023000)
        first->next = NULL;
#endif
        ngx_str_null(&first->value);
    }

    len = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (k = 0; k < part->nelts; k++) {

            if (h[k].hash == 0
                || h[k].key.len != ngx_http_corsac_vary.len
                || ngx_strncasecmp(h[k].key.data, ngx_http_corsac_vary.data,
                                   ngx_http_corsac_vary.len)
                   != 0)
            {
                continue;
            }

            if (&h[k] != first) {
                h[k].hash = 0;
            }

            if (h[k].value.len) {
                if (len) {
                    p[len++] = ',';
                    p[len++] = ' ';
                }

                ngx_memcpy(p + len, h[k].value.data, h[k].value.len);
                len += h[k].value.len;
            }
        }
    }

    for (i = 0; i < n; i++) {
        if (!missing[i]) {
            continue;
        }

        if (len) {
            p[len++] = ',';
            p[len++] = ' ';
        }

        for (j = 0; j < headers[i].value.len; j++) {
            p[len++] = headers[i].value.data[j];
        }
    }

    first->value.data = p;
    first->value.len = len;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_corsac_vary_has(ngx_table_elt_t *vary, corsac_str token)
{
    u_char  *p, *end, *last;

    p = vary->value.data;
    end = p + vary->value.len;

    while (p < end) {

        while (p < end && (*p == ',' || *p == ' ' || *p == '\t')) {
            p++;
        }

        last = p;

        while (last < end && *last != ',' && *last != ' ' && *last != '\t') {
            last++;
        }

        if ((size_t) (last - p) == token.len
            && ngx_strncasecmp(p, (u_char *) token.data, token.len) == 0
            && token.len)
        {
            return 1;
        }

        p = last;
    }

    return 0;
}


static ngx_http_corsac_ctx_t *
ngx_http_corsac_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_corsac_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_corsac_module);

    if (ctx == NULL && (r->internal || r->filter_finalize)) {

        /* internal redirects forget the contexts of modules; the pool does not */

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_corsac_pinned) {
                ctx = cln->data;
                ngx_http_set_ctx(r, ctx, ngx_http_corsac_module);
                break;
            }
        }
    }

    return ctx;
}


/*
 * Decides a request by the policy of a location, once and for all.  NGX_DECLINED if the location
 * has none for this request.
 */

static ngx_int_t
ngx_http_corsac_pin(ngx_http_request_t *r, ngx_http_corsac_loc_conf_t *clcf,
    ngx_http_corsac_ctx_t **ctxp)
{
    ngx_int_t                  rc;
    ngx_pool_cleanup_t        *cln;
    ngx_http_corsac_ctx_t     *ctx;
    ngx_http_corsac_policy_t  *policy;

    policy = clcf->policy;

    if (clcf->mode == NGX_HTTP_CORSAC_VARIABLE) {
        rc = ngx_http_corsac_select(r, clcf, &policy);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_corsac_ctx_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_corsac_pinned;
    ctx = cln->data;

    ctx->policy = policy;
    ctx->report = clcf->report;
    ctx->pass = clcf->pass;
    ctx->answered = 0;

    ngx_http_set_ctx(r, ctx, ngx_http_corsac_module);

    ngx_http_corsac_decide(r, ctx);

    *ctxp = ctx;

    return NGX_OK;
}


/* the policy that a variable names; NULL if there is none of that name */

static ngx_int_t
ngx_http_corsac_select(ngx_http_request_t *r, ngx_http_corsac_loc_conf_t *clcf,
    ngx_http_corsac_policy_t **policy)
{
    ngx_str_t                     name;
    ngx_http_corsac_main_conf_t  *cmcf;

    if (ngx_http_complex_value(r, clcf->variable, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name.len == 0
        || (name.len == 3 && ngx_strncmp(name.data, "off", 3) == 0))
    {
        return NGX_DECLINED;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_corsac_module);

    *policy = ngx_http_corsac_find_policy(cmcf, &name);

    if (*policy == NULL) {
        ngx_http_corsac_unknown(r, cmcf, &name);
    }

    return NGX_OK;
}


/*
 * Logs a name that no policy has: each once, and not more than a few, since the client may have
 * had a say in it.
 */

static void
ngx_http_corsac_unknown(ngx_http_request_t *r,
    ngx_http_corsac_main_conf_t *cmcf, ngx_str_t *name)
{
    u_char      *p, text[4 * NGX_HTTP_CORSAC_MAX_VALUE + sizeof("...")];
    uint32_t     hash;
    ngx_uint_t   i;

    hash = ngx_crc32_long(name->data, name->len);

    for (i = 0; i < cmcf->unknown_logged; i++) {
        if (cmcf->unknown[i] == hash) {
            return;
        }
    }

    if (i == NGX_HTTP_CORSAC_MAX_UNKNOWN) {
        return;
    }

    cmcf->unknown[i] = hash;
    cmcf->unknown_logged++;

    p = ngx_http_corsac_escape(text, name->data, name->len);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "corsac: there is no policy \"%*s\", which the variable of "
                  "\"corsac\" in %V:%ui named: nothing is granted%s",
                  (size_t) (p - text), text,
                  &((ngx_http_corsac_loc_conf_t *)
                    ngx_http_get_module_loc_conf(r, ngx_http_corsac_module))
                      ->place.file,
                  ((ngx_http_corsac_loc_conf_t *)
                   ngx_http_get_module_loc_conf(r, ngx_http_corsac_module))
                      ->place.line,
                  (i + 1 == NGX_HTTP_CORSAC_MAX_UNKNOWN)
                  ? "; further such names are not logged" : "");
}


static void
ngx_http_corsac_decide(ngx_http_request_t *r, ngx_http_corsac_ctx_t *ctx)
{
    u_char           *name, *last;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static corsac_str  authority = { ":authority", sizeof(":authority") - 1 };

    corsac_decision_start(&ctx->decision);
    corsac_request_start(&ctx->request, ngx_http_corsac_str(&r->method_name));

    ctx->status = CORSAC_STATUS_NULL_POINTER;

    if (ctx->policy == NULL) {
        return;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (!ngx_http_corsac_may_be_fact(&h[i].key)) {
                continue;
            }

            /* names in lower case are compared at once; not every module sets them */

            name = h[i].lowcase_key ? h[i].lowcase_key : h[i].key.data;

            corsac_request_header(&ctx->request,
                                  corsac_str_n((char *) name, h[i].key.len),
                                  ngx_http_corsac_str(&h[i].value));
        }
    }

    if (r->host_start && r->host_end) {

        /*
         * :authority, or what stands for it in the request line; nginx tells the host of a request
         * line without the port
         */

        last = r->host_end;

        if (r->http_version < NGX_HTTP_VERSION_20) {
            while (last < r->request_line.data + r->request_line.len
                   && *last != '/' && *last != '?' && *last != ' ')
            {
                last++;
            }
        }

        corsac_request_header(&ctx->request, authority,
                              corsac_str_n((char *) r->host_start,
                                           last - r->host_start));

    } else if (r->http_version >= NGX_HTTP_VERSION_20 && r->headers_in.host) {

        /* before 1.23 nginx made a Host of :authority, in front of any other */

        corsac_request_header(&ctx->request, authority,
                              ngx_http_corsac_str(&r->headers_in.host->value));
    }

    ctx->status = corsac_policy_evaluate(ctx->policy->policy, &ctx->request,
                                         &ctx->decision);

    if (ctx->status != CORSAC_STATUS_OK) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "corsac: policy \"%V\" could not decide, status %d (%s): "
                      "nothing is granted",
                      &ctx->policy->name, (int) ctx->status,
                      corsac_status_name(ctx->status));
    }
}


/* marks the context of a request among the cleanups of its pool */

static void
ngx_http_corsac_pinned(void *data)
{
}


static ngx_int_t
ngx_http_corsac_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    size_t                       len;
    u_char                      *p;
    corsac_str                  *origin;
    const char                  *text;
    ngx_http_corsac_ctx_t       *ctx;
    ngx_http_core_main_conf_t   *cmcf;
    ngx_http_corsac_loc_conf_t  *clcf;

    static const char *const  kinds[] = {
        "none", "not-cors", "actual", "preflight"
    };

    r = r->main;
    ctx = ngx_http_corsac_get_ctx(r);

    if (ctx == NULL) {
        cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_corsac_module);

        /* a server's policy does not decide before the location is known */

        if (clcf->mode == NGX_HTTP_CORSAC_OFF
            || (ngx_uint_t) r->phase_handler
               < cmcf->phase_engine.location_rewrite_index
            || ngx_http_corsac_pin(r, clcf, &ctx) != NGX_OK)
        {
            v->not_found = 1;
            return NGX_OK;
        }
    }

    text = NULL;

    switch (data) {

    case NGX_HTTP_CORSAC_VAR_POLICY:
        if (ctx->policy) {
            v->len = ctx->policy->name.len;
            v->data = ctx->policy->name.data;
            goto found;
        }

        break;

    case NGX_HTTP_CORSAC_VAR_KIND:
        text = (ctx->decision.kind <= CORSAC_KIND_PREFLIGHT)
               ? kinds[ctx->decision.kind] : "unknown";
        break;

    case NGX_HTTP_CORSAC_VAR_ALLOWED:
        text = ctx->decision.allowed ? "1" : "0";
        break;

    case NGX_HTTP_CORSAC_VAR_REASON:
        text = corsac_reason_name(ctx->decision.reason);
        break;

    case NGX_HTTP_CORSAC_VAR_ORIGIN:
        if (ctx->request.origin_lines > 1) {
            text = "several";
            break;
        }

        if (ctx->request.origin_lines == 0) {
            break;
        }

        origin = &ctx->request.origin;

        p = ngx_pnalloc(r->pool, 4 * NGX_HTTP_CORSAC_MAX_VALUE
                                 + sizeof("..."));
        if (p == NULL) {
            return NGX_ERROR;
        }

        v->data = p;
        v->len = ngx_http_corsac_escape(p, (u_char *) origin->data, origin->len)
                 - p;
        goto found;

    default: /* NGX_HTTP_CORSAC_VAR_DECISION */
        len = corsac_decision_format(&ctx->decision, NULL, 0) + 1;

        p = ngx_pnalloc(r->pool, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        v->data = p;
        v->len = corsac_decision_format(&ctx->decision, (char *) p, len);
        goto found;
    }

    if (text == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = ngx_strlen(text);
    v->data = (u_char *) text;

found:

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/*
 * Writes what anybody may have sent so that it is fit for a log: at most four bytes for each of
 * the first NGX_HTTP_CORSAC_MAX_VALUE, and three dots if there are more.
 */

static u_char *
ngx_http_corsac_escape(u_char *p, u_char *data, size_t len)
{
    size_t  i, n;

    n = ngx_min(len, NGX_HTTP_CORSAC_MAX_VALUE);

    for (i = 0; i < n; i++) {
        if (data[i] < 0x20 || data[i] > 0x7e || data[i] == '"'
            || data[i] == '\\')
        {
            p = ngx_sprintf(p, "\\x%02xi", (ngx_int_t) data[i]);

        } else {
            *p++ = data[i];
        }
    }

    if (n < len) {
        p = ngx_cpymem(p, "...", 3);
    }

    return p;
}


static ngx_int_t
ngx_http_corsac_add_variables(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_http_variable_t  *var, *v;

    if (corsac_abi_version() != CORSAC_ABI_VERSION) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "corsac: the library %s does not fit this module, which "
                      "was built with corsac.h %s",
                      corsac_version(), CORSAC_VERSION);
        return NGX_ERROR;
    }

    ngx_http_corsac_foreign_lengths = 0;

    for (i = 0; i < NGX_HTTP_CORSAC_FOREIGN; i++) {
        ngx_http_corsac_foreign[i].data =
                                   (u_char *) ngx_http_corsac_foreign_names[i];
        ngx_http_corsac_foreign[i].len =
                                   ngx_strlen(ngx_http_corsac_foreign_names[i]);
        ngx_http_corsac_foreign_lengths |=
                  (uint64_t) 1 << (ngx_http_corsac_foreign[i].len & 63);
    }

    for (v = ngx_http_corsac_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static void *
ngx_http_corsac_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_corsac_main_conf_t  *cmcf;

    cmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_corsac_main_conf_t));
    if (cmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&cmcf->policies, cf->pool, 4,
                       sizeof(ngx_http_corsac_policy_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&cmcf->uses, cf->pool, 4,
                       sizeof(ngx_http_corsac_loc_conf_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return cmcf;
}


/* finds the policies that locations named, which may stand behind the locations */

static char *
ngx_http_corsac_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_corsac_main_conf_t  *cmcf = conf;

    ngx_str_t                    *nearest;
    ngx_uint_t                    i, j, distance, smallest;
    ngx_http_corsac_policy_t     *policies;
    ngx_http_corsac_loc_conf_t  **uses;

    policies = cmcf->policies.elts;
    uses = cmcf->uses.elts;

    for (i = 0; i < cmcf->uses.nelts; i++) {

        if (uses[i]->mode != NGX_HTTP_CORSAC_POLICY) {
            continue;
        }

        uses[i]->policy = ngx_http_corsac_find_policy(cmcf, &uses[i]->name);

        if (uses[i]->policy) {
            continue;
        }

        nearest = NULL;
        smallest = 3;

        for (j = 0; j < cmcf->policies.nelts; j++) {
            distance = ngx_http_corsac_distance(&uses[i]->name,
                                                &policies[j].name);
            if (distance < smallest) {
                smallest = distance;
                nearest = &policies[j].name;
            }
        }

        if (nearest) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "corsac: there is no policy \"%V\", write \"%V\" "
                          "in \"corsac\" directive in %V:%ui",
                          &uses[i]->name, nearest,
                          &uses[i]->place.file, uses[i]->place.line);

        } else {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "corsac: there is no policy \"%V\", write "
                          "\"corsac_policy %V { ... }\" or "
                          "\"corsac_policy_file %V FILE;\" in the http block "
                          "for \"corsac\" directive in %V:%ui",
                          &uses[i]->name, &uses[i]->name, &uses[i]->name,
                          &uses[i]->place.file, uses[i]->place.line);
        }

        cmcf->failed = 1;
    }

    return cmcf->failed ? NGX_CONF_ERROR : NGX_CONF_OK;
}


static void *
ngx_http_corsac_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_corsac_loc_conf_t  *clcf;

    clcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_corsac_loc_conf_t));
    if (clcf == NULL) {
        return NULL;
    }

    clcf->mode = NGX_CONF_UNSET_UINT;
    clcf->pass = NGX_CONF_UNSET;
    clcf->report = NGX_CONF_UNSET;

    return clcf;
}


static char *
ngx_http_corsac_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_corsac_loc_conf_t  *prev = parent;
    ngx_http_corsac_loc_conf_t  *conf = child;

    if (conf->mode == NGX_CONF_UNSET_UINT) {

        if (prev->mode == NGX_CONF_UNSET_UINT) {
            conf->mode = NGX_HTTP_CORSAC_OFF;

        } else {
            conf->mode = prev->mode;
            conf->policy = prev->policy;
            conf->variable = prev->variable;
            conf->place = prev->place;
        }
    }

    ngx_conf_merge_value(conf->pass, prev->pass, 0);
    ngx_conf_merge_value(conf->report, prev->report, 0);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_corsac_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt          *h;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_corsac_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_corsac_module);

    if (mcf->uses.nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    /* handlers of a phase run from the last to the first: before those of "return" and "if" */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_corsac_handler;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_corsac_header_filter;

    return NGX_OK;
}


static char *
ngx_http_corsac(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_corsac_loc_conf_t  *clcf = conf;

    ngx_str_t                          *value;
    ngx_http_corsac_main_conf_t        *cmcf;
    ngx_http_corsac_loc_conf_t        **use;
    ngx_http_compile_complex_value_t    ccv;

    value = cf->args->elts;

    if (cf->cmd_type & (NGX_HTTP_SIF_CONF|NGX_HTTP_LIF_CONF)) {
        return "is not allowed in \"if\", which is evaluated too late for "
               "preflights: choose the policy by a \"map\" and write "
               "\"corsac $variable;\" outside of the \"if\"";
    }

    if (cf->cmd_type & NGX_HTTP_LMT_CONF) {
        return "is not allowed in \"limit_except\": write it in the location";
    }

    if (cf->args->nelts != 2 || value[1].len == 0) {
        return "has one value: write the name of a policy, a variable or "
               "\"off\"";
    }

    if (clcf->mode != NGX_CONF_UNSET_UINT) {
        return "is duplicate: write it once";
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        clcf->mode = NGX_HTTP_CORSAC_OFF;
        return NGX_CONF_OK;
    }

    clcf->name = value[1];
    clcf->place.file = cf->conf_file->file.name;
    clcf->place.line = cf->conf_file->line;

    if (ngx_http_script_variables_count(&value[1])) {
        clcf->mode = NGX_HTTP_CORSAC_VARIABLE;

        clcf->variable = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
        if (clcf->variable == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &value[1];
        ccv.complex_value = clcf->variable;

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else {
        clcf->mode = NGX_HTTP_CORSAC_POLICY;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_corsac_module);

    use = ngx_array_push(&cmcf->uses);
    if (use == NULL) {
        return NGX_CONF_ERROR;
    }

    *use = clcf;

    return NGX_CONF_OK;
}


/* a directive with a choice of two words, which cmd->post has */

static char *
ngx_http_corsac_switch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t   *value, *words;
    ngx_flag_t  *flag;

    flag = (ngx_flag_t *) ((u_char *) conf + cmd->offset);
    value = cf->args->elts;
    words = cmd->post;

    if (cf->cmd_type
        & (NGX_HTTP_SIF_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF))
    {
        return "is not allowed in \"if\" and \"limit_except\": write it in the "
               "location";
    }

    if (*flag != NGX_CONF_UNSET) {
        return "is duplicate: write it once";
    }

    for (*flag = 0; *flag < 2; (*flag)++) {
        if (cf->args->nelts == 2 && value[1].len == words[*flag].len
            && ngx_strcmp(value[1].data, words[*flag].data) == 0)
        {
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" directive has another value: write \"%V\" or "
                       "\"%V\"", &cmd->name, &words[1], &words[0]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_corsac_policy_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_corsac_main_conf_t  *cmcf = conf;

    char                      *rv;
    off_t                      size;
    size_t                     len;
    ssize_t                    n;
    u_char                    *text;
    ngx_fd_t                   fd;
    ngx_str_t                 *value, path;
    corsac_error              *error;
    corsac_status              status;
    ngx_file_info_t            fi;
    ngx_http_corsac_policy_t  *policy;

    if (!(cf->cmd_type & NGX_HTTP_MAIN_CONF)) {
        return "is not allowed here: write it in the http block";
    }

    if (cf->args->nelts != 3) {
        return "has two values: write a name for the policy and the path of "
               "its document";
    }

    value = cf->args->elts;
    path = value[2];

    policy = ngx_http_corsac_new_policy(cf, cmcf, &value[1]);
    if (policy == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /* opening a FIFO does not wait */

    fd = ngx_open_file(path.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "corsac: policy \"%V\": " ngx_open_file_n " \"%V\" "
                           "failed, write the path of a policy document",
                           &policy->name, &path);
        return NGX_CONF_ERROR;
    }

    rv = NGX_CONF_ERROR;
    text = NULL;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "corsac: policy \"%V\": " ngx_fd_info_n " \"%V\" "
                           "failed", &policy->name, &path);
        goto done;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "corsac: policy \"%V\": \"%V\" is not a file, write "
                           "the path of a policy document",
                           &policy->name, &path);
        goto done;
    }

    size = ngx_file_size(&fi);

    if (size > NGX_HTTP_CORSAC_MAX_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "corsac: policy \"%V\": \"%V\" has %O bytes, a "
                           "policy document has at most %O",
                           &policy->name, &path, size,
                           NGX_HTTP_CORSAC_MAX_FILE);
        goto done;
    }

    text = ngx_alloc((size_t) size + 1, cf->log);
    if (text == NULL) {
        goto done;
    }

    for (len = 0; len < (size_t) size; len += n) {
        n = ngx_read_fd(fd, text + len, (size_t) size - len);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               "corsac: policy \"%V\": " ngx_read_fd_n
                               " \"%V\" failed", &policy->name, &path);
            goto done;
        }

        if (n == 0) {
            break;
        }
    }

    status = corsac_policy_from_json(corsac_str_n((char *) text, len),
                                     &policy->policy, &error);

    rv = ngx_http_corsac_built(cf, policy, status, error, &path, NULL);

done:

    if (text) {
        ngx_free(text);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &path);
    }

    return rv;
}


static char *
ngx_http_corsac_policy_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_corsac_main_conf_t  *cmcf = conf;

    char                      *rv;
    ngx_str_t                 *value;
    corsac_error              *error;
    corsac_status              status;
    ngx_http_corsac_draft_t    draft;
    ngx_http_corsac_policy_t  *policy;

    if (!(cf->cmd_type & NGX_HTTP_MAIN_CONF)) {
        return "is not allowed here: write it in the http block";
    }

    if (cf->args->nelts != 2) {
        return "has one value: write a name for the policy in front of the "
               "\"{\"";
    }

    value = cf->args->elts;

    policy = ngx_http_corsac_new_policy(cf, cmcf, &value[1]);
    if (policy == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&draft, sizeof(ngx_http_corsac_draft_t));

    if (ngx_array_init(&draft.values, cf->temp_pool, 16,
                       sizeof(ngx_http_corsac_value_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    draft.builder = corsac_builder_new();

    cmcf->draft = &draft;
    rv = ngx_http_corsac_parse(cf, NGX_HTTP_CORSAC_POLICY_CONF);
    cmcf->draft = NULL;

    if (rv == NGX_CONF_OK) {
        status = corsac_builder_build(draft.builder, &policy->policy, &error);
        rv = ngx_http_corsac_built(cf, policy, status, error, NULL, &draft);
    }

    corsac_builder_free(draft.builder);

    return rv;
}


static char *
ngx_http_corsac_rule_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_corsac_main_conf_t  *cmcf = conf;

    char                     *rv;
    ngx_uint_t                i;
    ngx_http_corsac_draft_t  *draft;

    draft = cmcf->draft;

    if (cf->args->nelts != 1) {
        return "has no value: write a \"name\" inside of it";
    }

    if (draft->direct) {
        return "stands beside directives of a rule: write each of them inside "
               "a rule";
    }

    if (draft->rules++) {
        draft->rule++;
        corsac_builder_next_rule(draft->builder);
    }

    for (i = 0; i < sizeof(ngx_http_corsac_settings)
                    / sizeof(ngx_http_corsac_setting_t); i++)
    {
        if (ngx_http_corsac_settings[i].rule) {
            draft->counts[i] = 0;
        }
    }

    if (ngx_http_corsac_note(cf, draft, NULL, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    draft->in_rule = 1;
    rv = ngx_http_corsac_parse(cf, NGX_HTTP_CORSAC_RULE_CONF);
    draft->in_rule = 0;

    return rv;
}


static char *
ngx_http_corsac_setting(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_corsac_main_conf_t  *cmcf = conf;

    time_t                      seconds;
    ngx_int_t                   number;
    ngx_str_t                  *value;
    ngx_uint_t                  i, n;
    ngx_http_corsac_draft_t    *draft;
    ngx_http_corsac_setting_t  *setting;

    draft = cmcf->draft;
    setting = cmd->post;
    value = cf->args->elts;
    n = setting - ngx_http_corsac_settings;

    if (setting->list && cf->args->nelts < 2) {
        return "has no value: write one or more";
    }

    if (!setting->list && cf->args->nelts != 2) {
        return "has one value: write it";
    }

    if (!setting->list && draft->counts[n]) {
        return "is duplicate: write it once";
    }

    if (setting->rule && !draft->in_rule) {
        if (draft->rules) {
            return "stands beside \"rule\": write it inside a rule";
        }

        draft->direct = 1;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_corsac_note(cf, draft, setting->key, draft->counts[n]++)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (setting->set == corsac_builder_timing_allow_origin) {

            /* booleans are written as nginx does */

            if (ngx_strcmp(value[i].data, "on") == 0) {
                ngx_str_set(&value[i], "true");

            } else if (ngx_strcmp(value[i].data, "off") == 0) {
                ngx_str_set(&value[i], "false");
            }
        }

        if (setting->set) {
            setting->set(draft->builder, ngx_http_corsac_str(&value[i]));
            continue;
        }

        if (ngx_strcmp(setting->key, "allow_credentials") == 0) {

            if (ngx_strcmp(value[i].data, "on") == 0) {
                corsac_builder_allow_credentials(draft->builder, true);

            } else if (ngx_strcmp(value[i].data, "off") == 0) {
                corsac_builder_allow_credentials(draft->builder, false);

            } else {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid value \"%V\" in \"%V\" directive, "
                                   "write \"on\" or \"off\"",
                                   &value[i], &cmd->name);
                return NGX_CONF_ERROR;
            }

        } else if (ngx_strcmp(setting->key, "max_age") == 0) {

            seconds = ngx_parse_time(&value[i], 1);

            if (seconds == (time_t) NGX_ERROR) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid value \"%V\" in \"%V\" directive, "
                                   "write seconds from 0 to 86400, or a time "
                                   "such as \"10m\"",
                                   &value[i], &cmd->name);
                return NGX_CONF_ERROR;
            }

            corsac_builder_max_age(draft->builder, seconds);

        } else { /* preflight_status */

            number = ngx_atoi(value[i].data, value[i].len);

            if (number == NGX_ERROR) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid value \"%V\" in \"%V\" directive, "
                                   "write 204 or 200",
                                   &value[i], &cmd->name);
                return NGX_CONF_ERROR;
            }

            corsac_builder_preflight_status(draft->builder, number);
        }
    }

    return NGX_CONF_OK;
}


/*
 * Reads a block of our own.  To what nginx says of a directive that is not one of ours the
 * nearest that is gets added.
 */

static char *
ngx_http_corsac_parse(ngx_conf_t *cf, ngx_uint_t type)
{
    char           *rv;
    ngx_str_t      *name;
    ngx_conf_t      save;
    ngx_uint_t      distance, smallest;
    ngx_command_t  *cmd, *nearest;

    save = *cf;

    cf->cmd_type = type;
    rv = ngx_conf_parse(cf, NULL);

    if (rv != NGX_CONF_OK && cf->args->nelts) {

        name = cf->args->elts;
        nearest = NULL;
        smallest = 4;

        for (cmd = ngx_http_corsac_commands; cmd->name.len; cmd++) {

            if (cmd->type & NGX_HTTP_CORSAC_EITHER_CONF) {
                distance = ngx_http_corsac_distance(name, &cmd->name);

                if (distance < smallest) {
                    smallest = distance;
                    nearest = cmd;
                }
            }
        }

        if (nearest == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "corsac: a policy has no \"%V\": write "
                               "directives such as \"allow_origins\", or end "
                               "its block with \"}\"", name);

        } else if (smallest > 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "corsac: a policy has no \"%V\": write \"%V\"",
                               name, &nearest->name);

        } else if (!(nearest->type & type)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "corsac: \"%V\" is for the whole policy: write "
                               "it outside of \"rule\"", name);
        }

        /* otherwise what is wrong was said */

        /* enclosing blocks have nothing to add */

        cf->args->nelts = 0;
    }

    *cf = save;

    return rv;
}


/* remembers where a value was written */

static ngx_int_t
ngx_http_corsac_note(ngx_conf_t *cf, ngx_http_corsac_draft_t *draft, char *key,
    ngx_uint_t index)
{
    ngx_http_corsac_value_t  *value;

    value = ngx_array_push(&draft->values);
    if (value == NULL) {
        return NGX_ERROR;
    }

    value->rule = draft->rule;
    value->key = key;
    value->index = index;
    value->place.file = cf->conf_file->file.name;
    value->place.line = cf->conf_file->line;

    return NGX_OK;
}


static ngx_http_corsac_policy_t *
ngx_http_corsac_new_policy(ngx_conf_t *cf, ngx_http_corsac_main_conf_t *cmcf,
    ngx_str_t *name)
{
    ngx_http_corsac_policy_t  *policy;

    if (name->len == 0 || ngx_strcmp(name->data, "off") == 0
        || ngx_strlchr(name->data, name->data + name->len, '$'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "corsac: a policy cannot be called \"%V\", since "
                           "\"corsac %V\" is something else: write another "
                           "name", name, name);
        return NULL;
    }

    policy = ngx_http_corsac_find_policy(cmcf, name);

    if (policy) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "corsac: there is a policy \"%V\" already in "
                           "%V:%ui: write another name",
                           name, &policy->place.file, policy->place.line);
        return NULL;
    }

    policy = ngx_array_push(&cmcf->policies);
    if (policy == NULL) {
        return NULL;
    }

    policy->name = *name;
    policy->policy = NULL;
    policy->place.file = cf->conf_file->file.name;
    policy->place.line = cf->conf_file->line;

    return policy;
}


static ngx_http_corsac_policy_t *
ngx_http_corsac_find_policy(ngx_http_corsac_main_conf_t *cmcf, ngx_str_t *name)
{
    ngx_uint_t                 i;
    ngx_http_corsac_policy_t  *policies;

    policies = cmcf->policies.elts;

    for (i = 0; i < cmcf->policies.nelts; i++) {
        if (policies[i].name.len == name->len
            && ngx_memcmp(policies[i].name.data, name->data, name->len) == 0)
        {
            return &policies[i];
        }
    }

    return NULL;
}


/*
 * Prints what building a policy told and gives the policy to the pool.  Problems don't end the
 * reading, so that those of further policies are told too.
 */

static char *
ngx_http_corsac_built(ngx_conf_t *cf, ngx_http_corsac_policy_t *policy,
    corsac_status status, corsac_error *error, ngx_str_t *file,
    ngx_http_corsac_draft_t *draft)
{
    ngx_pool_cleanup_t           *cln;
    ngx_http_corsac_main_conf_t  *cmcf;

    if (status == CORSAC_STATUS_CONFIG && error != NULL) {
        ngx_http_corsac_print(cf, NGX_LOG_EMERG, policy, error, file, draft);
        corsac_error_free(error);

        cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_corsac_module);
        cmcf->failed = 1;

        return NGX_CONF_OK;
    }

    if (status != CORSAC_STATUS_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "corsac: policy \"%V\" could not be built, status "
                           "%d (%s)", &policy->name, (int) status,
                           corsac_status_name(status));
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        corsac_policy_free(policy->policy);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_corsac_free_policy;
    cln->data = (void *) policy->policy;

    if (corsac_policy_warnings(policy->policy, &error) == CORSAC_STATUS_OK) {
        ngx_http_corsac_print(cf, NGX_LOG_WARN, policy, error, file, draft);
        corsac_error_free(error);
    }

    return NGX_CONF_OK;
}


/* one line for each problem: policy, place in the document if it is one, path, message, place */

static void
ngx_http_corsac_print(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_corsac_policy_t *policy, corsac_error *error, ngx_str_t *file,
    ngx_http_corsac_draft_t *draft)
{
    size_t                    i, n, length;
    u_char                   *p, document[NGX_MAX_CONF_ERRSTR];
    corsac_str                path, message;
    ngx_http_corsac_place_t  *place;

    n = corsac_error_len(error);

    for (i = 0; i < n; i++) {
        path = corsac_error_path(error, i);
        message = corsac_error_message(error, i);
        length = ngx_min(message.len, NGX_HTTP_CORSAC_MAX_MESSAGE);

        p = document;

        if (file) {
            p = ngx_snprintf(document, sizeof(document), "%V:%uD:%uD: ", file,
                             corsac_error_line(error, i),
                             corsac_error_column(error, i));
        }

        place = ngx_http_corsac_place(policy, draft, path);

        ngx_log_error(level, cf->log, 0,
                      "corsac: policy \"%V\": %*s%*s%s%*s%s in %V:%ui",
                      &policy->name,
                      (size_t) (p - document), document,
                      ngx_min(path.len, 256), path.data,
                      path.len ? ": " : "",
                      length, message.data,
                      (length < message.len) ? "..." : "",
                      &place->file, place->line);
    }

    n = corsac_error_unreported(error);

    if (n) {
        ngx_log_error(level, cf->log, 0,
                      "corsac: policy \"%V\": and %uz more in %V:%ui",
                      &policy->name, n, &policy->place.file,
                      policy->place.line);
    }
}


/*
 * Where the value of a path such as rules[1].allow_origins[3] was written: the value, the first
 * of its directive, its rule or its policy.
 */

static ngx_http_corsac_place_t *
ngx_http_corsac_place(ngx_http_corsac_policy_t *policy,
    ngx_http_corsac_draft_t *draft, corsac_str path)
{
    char                     *p, *last, *end, *key;
    size_t                    len;
    ngx_int_t                 rule, index;
    ngx_uint_t                i;
    ngx_http_corsac_value_t  *values, *same_key, *same_rule;

    if (draft == NULL || path.data == NULL) {
        return &policy->place;
    }

    p = (char *) path.data;
    end = p + path.len;

    rule = NGX_ERROR;
    index = NGX_ERROR;

    if (path.len > 6 && ngx_strncmp(p, "rules[", 6) == 0) {
        p += 6;
        last = memchr(p, ']', end - p);

        if (last) {
            rule = ngx_atoi((u_char *) p, last - p);
            p = last + 1;

            if (p < end && *p == '.') {
                p++;
            }
        }
    }

    key = p;
    last = memchr(p, '[', end - p);

    if (last == NULL) {
        last = end;

    } else if (end > last + 1) {
        index = ngx_atoi((u_char *) last + 1, end - last - 2);
    }

    len = last - key;

    values = draft->values.elts;
    same_key = NULL;
    same_rule = NULL;

    for (i = 0; i < draft->values.nelts; i++) {

        if (rule != NGX_ERROR && values[i].rule != (ngx_uint_t) rule) {
            continue;
        }

        if (values[i].key == NULL) {
            if (rule != NGX_ERROR) {
                same_rule = &values[i];
            }

            continue;
        }

        if (ngx_strlen(values[i].key) != len
            || ngx_strncmp(values[i].key, key, len) != 0)
        {
            continue;
        }

        if (index != NGX_ERROR && values[i].index == (ngx_uint_t) index) {
            return &values[i].place;
        }

        if (same_key == NULL) {
            same_key = &values[i];
        }
    }

    if (same_key) {
        return &same_key->place;
    }

    return same_rule ? &same_rule->place : &policy->place;
}


/* how many letters to insert, remove or replace to make one name of the other; 64 is far */

static ngx_uint_t
ngx_http_corsac_distance(ngx_str_t *a, ngx_str_t *b)
{
    ngx_uint_t  i, j, diagonal, above, row[65];

    if (a->len > 64 || b->len > 64) {
        return 64;
    }

    for (j = 0; j <= b->len; j++) {
        row[j] = j;
    }

    for (i = 1; i <= a->len; i++) {
        diagonal = row[0];
        row[0] = i;

        for (j = 1; j <= b->len; j++) {
            above = row[j];

            if (a->data[i - 1] != b->data[j - 1]) {
                diagonal = ngx_min(diagonal, ngx_min(above, row[j - 1])) + 1;
            }

            row[j] = diagonal;
            diagonal = above;
        }
    }

    return row[b->len];
}


static void
ngx_http_corsac_free_policy(void *data)
{
    corsac_policy_free(data);
}
