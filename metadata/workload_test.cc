#include "metadata/workload.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

std::string Of(std::string_view pod_name, std::string_view node_name) {
  Workload workload = WorkloadOf(pod_name, node_name);
  return workload.name + " " + workload.kind;
}

TEST(Workload, IsReadFromThePodName) {
  const std::string long_name(47, 'a');
  const struct {
    std::string pod_name;
    std::string want;
  } kCases[] = {
      {"demo-7d9f8c6b5d-x2v4q", "demo Deployment"},
      {"demo-2332281002-bqgin", "demo Deployment"},
      {"demo-332281002-bqgin", "demo Deployment"},
      {"my-long-app-75bf4c8d9-x2v4q", "my-long-app Deployment"},
      {"demo-7d9f8c-x2v4q", "demo Deployment"},
      {"demo-4294967295-bqgin", "demo Deployment"},
      {"demo-4300000001-bqgin", "demo-4300000001-bqgin Pod"},
      {"demo-4300000001-x2v4q", "demo-4300000001 "},
      {"demo-7d9f8-x2v4q", "demo-7d9f8 "},                     // five are too few for a hash
      {"demo-7d9f8c6b5dd-x2v4q", "demo-7d9f8c6b5dd "},         // eleven too many
      {"demo-7d9f8c6b5d-bqgin", "demo-7d9f8c6b5d-bqgin Pod"},  // new hash, old suffix: no cluster
      {"demo-7a9f8c6b5d-x2v4q", "demo-7a9f8c6b5d "},           // a vowel in the hash

      {"backup-28391040-x2v4q", "backup CronJob"},
      {"backup-28391040-abcde", "backup CronJob"},
      {"backup-1700000000-x2v4q", "backup CronJob"},
      {"backup-1399999999-x2v4q", "backup Deployment"},
      {"backup-1900000001-x2v4q", "backup Deployment"},
      {"backup-28391040", "backup-28391040 Pod"},
      {"report-20240115-x2v4q", "report-20240115 "},  // a Job with a date in its name
      {"report-2839104-x2v4q", "report-2839104 "},

      {"web-0", "web StatefulSet"},
      {"web-12", "web StatefulSet"},
      {"my-db-shard-2-9999", "my-db-shard-2 StatefulSet"},
      {"web-01", "web-01 Pod"},
      {"web-20240115", "web-20240115 Pod"},
      {"web-12345", "web-12345 Pod"},
      {"web-24568", "web "},  // an ordinal of five digits is less likely than a suffix

      {"fluentd-x2v4q", "fluentd "},
      {"kube-proxy-zzzzz", "kube-proxy "},
      {"index-0-x2v4q", "index-0 "},  // an indexed Job
      {"my-cache", "my-cache Pod"},
      {"my-proxy", "my-proxy Pod"},
      {"fluentd-abcde", "fluentd-abcde Pod"},
      {"x2v4q", "x2v4q Pod"},
      {"0", "0 Pod"},
      {"-0", "-0 Pod"},
      {"web-", "web- Pod"},
      {"--", "-- Pod"},
      {"", " Pod"},
      {"-28391040-x2v4q", "-28391040 "},

      // Generated names are cut to 58 characters before the suffix.
      {long_name + "-7d9f8c6b5dx2v4q", long_name + " Deployment"},
      {long_name + "aa-7d9f8c6bx2v4q", long_name + "aa Deployment"},
      {long_name + "aaaaaaaaaaax2v4q", long_name + "aaaaaaaaaaa "},
      {long_name + "aaaaaaaaaa-x2v4q", long_name + "aaaaaaaaaa "},
      {long_name + "aaaaaaaaaaaaaaaa", long_name + "aaaaaaaaaaaaaaaa Pod"},
  };
  for (const auto& test : kCases)
    EXPECT_EQ(Of(test.pod_name, "node-1"), test.want) << test.pod_name;
}

TEST(Workload, StaticPodsEndWithTheirNode) {
  const struct {
    const char* pod_name;
    const char* node_name;
    const char* want;
  } kCases[] = {
      {"etcd-node-1", "node-1", "etcd Node"},
      {"etcd-node-1", "Node-1", "etcd Node"},
      {"kube-apiserver-ip-10-0-0-7.ec2.internal", "ip-10-0-0-7.ec2.internal",
       "kube-apiserver Node"},
      {"etcd-node-1", "", "etcd-node StatefulSet"},
      {"etcd-node-1", "node-2", "etcd-node StatefulSet"},
      {"etcdnode-1", "node-1", "etcdnode StatefulSet"},
      {"node-1", "node-1", "node StatefulSet"},
      {"-node-1", "node-1", "-node StatefulSet"},
      {"demo-7d9f8c6b5d-x2v4q", "node-1", "demo Deployment"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(Of(test.pod_name, test.node_name), test.want) << test.pod_name;
  }
}

}  // namespace
}  // namespace hinomi
