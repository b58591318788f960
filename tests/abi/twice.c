// The header stands alone, may be included twice, and every type and inline function in it is used.
#include "corsac.h"
#include "corsac.h"

int main(void) {
  corsac_request request;
  corsac_decision decision;
  corsac_header headers[CORSAC_MAX_HEADERS];
  corsac_request_start(&request, corsac_str_n("GET", 3));
  corsac_request_header(&request, corsac_str_z("Origin"), corsac_str_z("https://app.example.com"));
  corsac_decision_start(&decision);
  if (corsac_policy_evaluate(NULL, &request, &decision) != CORSAC_STATUS_NULL_POINTER)
    return 1;
  if (decision.rule != CORSAC_NO_RULE || decision.kind != CORSAC_KIND_NONE)
    return 2;
  return (int)corsac_decision_headers(&decision, headers, CORSAC_MAX_HEADERS);
}
