// Any number of threads evaluate, clone and free one policy.
#include "claims.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 2000 };

static const corsac_policy *shared;

// How many decisions were wrong.
static void *decide(void *failures) {
  const corsac_policy *policy = corsac_policy_clone(shared);
  size_t wrong = 0;
  for (int i = 0; i < ROUNDS; i++) {
    corsac_request request;
    corsac_decision decision;
    bool good = i % 2;
    corsac_request_start(&request, z("GET"));
    corsac_request_header(&request, z("Origin"), z(good ? "https://a.example" : "https://b.example"));
    corsac_decision_start(&decision);
    const corsac_policy *own = corsac_policy_clone(policy);
    wrong += corsac_policy_evaluate(own, &request, &decision) != CORSAC_STATUS_OK;
    wrong += decision.allowed != good;
    wrong += corsac_decision_headers(&decision, NULL, 0) != (good ? 2 : 1);
    corsac_policy_free(own);
  }
  corsac_policy_free(policy);
  *(size_t *)failures = wrong;
  return NULL;
}

static void threads_share_a_policy(void) {
  pthread_t threads[THREADS];
  size_t failures[THREADS];
  shared = policy_of("{\"allow_origins\":[\"https://a.example\"]}");
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, decide, &failures[i]) == 0);
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(failures[i] == 0);
  }
  corsac_policy_free(shared);
}

static void *build(void *out) {
  const corsac_policy **policy = out;
  return corsac_policy_from_json(z("{\"allow_origins\":[\"https://a.example\"]}"), policy, NULL) ? out : NULL;
}

static void threads_build_policies(void) {
  pthread_t threads[THREADS];
  const corsac_policy *policies[THREADS];
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, build, &policies[i]) == 0);
  for (int i = 0; i < THREADS; i++) {
    void *failed = NULL;
    CHECK(pthread_join(threads[i], &failed) == 0 && failed == NULL);
    CHECK(corsac_policy_allows_origin(policies[i], z("https://a.example"), false));
    corsac_policy_free(policies[i]);
  }
}

int main(void) {
  CLAIM(threads_share_a_policy);
  CLAIM(threads_build_policies);
  DONE();
}
