#include "shipper/egress.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include "base/manual_clock.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::DoubleNear;
using testing::HasSubstr;
using testing::Lt;

constexpr double kMiB = 1 << 20;

/// A network in which each socket sends as fast as it is paced, if it has something to send, and as
/// fast as its peer takes it.
class Egress : public testing::Test {
 protected:
  ~Egress() override {
    for (auto& [name, sockets] : sockets_) {
      for (int socket : sockets) limits_.Of(name)->Close(socket);
    }
  }

  struct Limit {
    std::string sink;
    double rate = 0;  // 0: none
  };
  void Apply(double total, const std::vector<Limit>& sinks) {
    Config config;
    config.egress.bytes_per_second = static_cast<uint64_t>(total);
    for (const auto& [name, rate] : sinks) {
      SinkConfig sink;
      sink.name = name;
      sink.type = SinkType::kKafka;
      sink.egress.bytes_per_second = static_cast<uint64_t>(rate);
      config.sinks.push_back(sink);
    }
    limits_.Apply(config);
  }
  int Open(const std::string& sink) {
    const Result<int> made = limits_.Of(sink)->Open(AF_INET, SOCK_STREAM, 0);
    EXPECT_TRUE(made.ok());
    sockets_[sink].push_back(*made);
    return *made;
  }
  double Paced(int socket) {
    const std::lock_guard lock(mutex_);
    return paced_.contains(socket) ? paced_[socket] : kNoEgressLimit;
  }
  void Busy(const std::set<int>& sockets) {
    const std::lock_guard lock(mutex_);
    busy_ = sockets;
  }
  /// A tenth of a second; what was sent.
  double Step() {
    double sum = 0;
    {
      const std::lock_guard lock(mutex_);
      for (int socket : busy_) {
        const double rate = std::min(paced_.contains(socket) ? paced_[socket] : 100 * kMiB,
                                     peers_.contains(socket) ? peers_[socket] : kNoEgressLimit);
        bytes_[socket] += static_cast<uint64_t>(rate / 10);
        sum += rate / 10;
      }
    }
    clock_.Advance(milliseconds(100));
    limits_.Balance();
    sent_.push_back(sum);
    return sum;
  }
  /// The mean of the last `count` steps, bytes per second.
  double Rate(int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += Step();
    return sum / count * 10;
  }
  /// Of any ten seconds so far.
  double MostOfTenSeconds() const {
    double most = 0;
    for (size_t i = 0; i + 100 <= sent_.size(); ++i) {
      const auto begin = sent_.begin() + static_cast<ptrdiff_t>(i);
      most = std::max(most, std::accumulate(begin, begin + 100, 0.0) / 10);
    }
    return most;
  }

  std::mutex mutex_;
  std::map<int, double> paced_, peers_;
  std::map<int, uint64_t> bytes_;
  std::set<int> busy_, gone_;
  std::map<std::string, std::vector<int>> sockets_;
  std::vector<double> sent_;
  ManualClock clock_;
  Metrics metrics_;
  EgressLimits limits_{{.clock = clock_,
                        .metrics = metrics_,
                        .calls = {.use =
                                      [this](int socket) {
                                        const std::lock_guard lock(mutex_);
                                        return EgressUse{bytes_[socket], !gone_.contains(socket)};
                                      },
                                  .pace =
                                      [this](int socket, double rate) {
                                        const std::lock_guard lock(mutex_);
                                        paced_[socket] = rate;
                                      }}}};
};

TEST_F(Egress, WithoutALimitTouchesNoSocket) {
  Apply(0, {{"a"}});
  Busy({Open("a"), Open("a")});
  Rate(10);
  EXPECT_TRUE(paced_.empty());
}

TEST_F(Egress, TheSocketsOfASinkShareItsLimit) {
  Apply(0, {{"a", kMiB}});
  const int one = Open("a"), two = Open("a"), three = Open("a");
  Busy({one});
  Rate(10);
  EXPECT_THAT(Rate(50), DoubleNear(kMiB, 0.05 * kMiB)) << "one alone has nearly all of it";
  Busy({one, two, three});
  Rate(10);
  EXPECT_THAT(Rate(50), DoubleNear(kMiB, 0.05 * kMiB));
  EXPECT_THAT(Paced(two), DoubleNear(kMiB / 3, 0.05 * kMiB));
  EXPECT_LT(MostOfTenSeconds(), 1.05 * kMiB);
}

TEST_F(Egress, WhatASlowPeerLeavesIsForTheOthers) {
  Apply(0, {{"a", kMiB}});
  const int slow = Open("a"), hung = Open("a"), quick = Open("a");
  peers_ = {{slow, kMiB / 10}, {hung, 0}};
  Busy({slow, hung, quick});
  Rate(20);
  EXPECT_THAT(Rate(50), DoubleNear(kMiB, 0.05 * kMiB));
  EXPECT_GT(Paced(quick), 0.8 * kMiB);
}

TEST_F(Egress, SinksShareTheTotal) {
  Apply(4 * kMiB, {{"a", kMiB}, {"b"}, {"c"}});
  const int limited = Open("a");
  const std::vector<int> many = {Open("b"), Open("b"), Open("b"), Open("b")};
  const int single = Open("c");
  Busy({limited, many[0], many[1], many[2], many[3], single});
  Rate(20);
  EXPECT_THAT(Rate(50), DoubleNear(4 * kMiB, 0.2 * kMiB));
  EXPECT_LT(Paced(limited), 1.05 * kMiB);
  EXPECT_THAT(Paced(single), DoubleNear(1.5 * kMiB, 0.15 * kMiB)) << "by sinks, not by sockets";
  // One that does not get on takes nothing from the others.
  for (int socket : many) peers_[socket] = 0;
  Rate(20);
  EXPECT_THAT(Rate(50), DoubleNear(4 * kMiB, 0.2 * kMiB));
  EXPECT_LT(MostOfTenSeconds(), 1.05 * 4 * kMiB);
}

TEST_F(Egress, ThoseThatComeAndGoStayWithinTheLimit) {
  Apply(0, {{"a", kMiB}});
  std::vector<int> all;
  for (int i = 0; i < 6; ++i) all.push_back(Open("a"));
  std::minstd_rand random(7);
  for (int i = 0; i < 1000; ++i) {
    if (i % 5 == 0) {
      std::set<int> busy;
      for (int socket : all) {
        if (random() % 2 == 0) busy.insert(socket);
      }
      Busy(busy);
    }
    Step();
  }
  EXPECT_LT(MostOfTenSeconds(), 1.05 * kMiB);
  EXPECT_GT(MostOfTenSeconds(), 0.85 * kMiB);
}

TEST_F(Egress, AnotherLimitHoldsAtOnceForOpenSockets) {
  Apply(0, {{"a", kMiB}, {"b"}});
  const int socket = Open("a"), other = Open("b");
  Busy({socket, other});
  Rate(20);
  Apply(0, {{"a", 4 * kMiB}, {"b"}});
  EXPECT_THAT(Paced(socket), DoubleNear(4 * kMiB, 0.2 * kMiB));
  Apply(0, {{"a", kMiB / 4}, {"b"}});
  EXPECT_THAT(Paced(socket), DoubleNear(kMiB / 4, 0.05 * kMiB));
  Apply(kMiB, {{"a"}, {"b"}});
  EXPECT_THAT(Paced(other), Lt(1.05 * kMiB));
  Apply(0, {{"a"}, {"b"}});
  EXPECT_EQ(Paced(socket), kNoEgressLimit);
  EXPECT_EQ(Paced(other), kNoEgressLimit);
}

TEST_F(Egress, ATimeoutHasTheTimeThatTheLimitTakes) {
  Apply(0, {{"a", kMiB}, {"b"}});
  EXPECT_EQ(limits_.Of("b")->TimeFor(1 << 30, 2), Duration{0});
  EXPECT_GT(limits_.Of("a")->TimeFor(4 << 20, 2), seconds(8));
  EXPECT_LT(limits_.Of("a")->TimeFor(4 << 20, 2), seconds(16));
  Apply(kMiB, {{"a", kMiB}, {"b"}});  // of which the other may have half
  EXPECT_GT(limits_.Of("a")->TimeFor(4 << 20, 2), seconds(16));
}

TEST_F(Egress, CountsWhatClosedSocketsHaveSentToo) {
  Apply(0, {{"a", kMiB}, {"files"}});
  const int socket = Open("a");
  bytes_[socket] = 1000;
  limits_.Of("a")->Close(std::exchange(sockets_["a"], {}).front());
  bytes_[socket] = 0;  // its number is somebody else's
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_sink_egress_bytes_total{sink=\"a\"} 1000\n"));
  EXPECT_THAT(metrics_.Expose(),
              HasSubstr("hinomi_sink_egress_limit_bytes_per_second{sink=\"a\"} 1048576\n"));
}

TEST_F(Egress, LetsGoOfAdoptedSocketsWhenTheyAreClosed) {
  Apply(0, {{"a", kMiB}});
  const int theirs = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_TRUE(limits_.Of("a")->Adopt(theirs).ok());
  close(theirs);
  ASSERT_EQ(paced_.size(), 1);
  const int ours = paced_.begin()->first;
  EXPECT_NE(ours, theirs);
  Rate(5);
  EXPECT_EQ(fcntl(ours, F_GETFD), FD_CLOEXEC);
  gone_.insert(ours);
  Rate(5);
  EXPECT_EQ(fcntl(ours, F_GETFD), -1);
}

/// Real sockets, of this machine.
class EgressSocket : public testing::Test {
 protected:
  EgressSocket() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    inet_pton(AF_INET, "127.0.0.1", &address_.sin_addr);
    socklen_t size = sizeof(address_);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
  }
  ~EgressSocket() override { close(listener_); }

  /// Whom the server sees.
  std::string PeerOf(int client) {
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address_), sizeof(address_)), 0);
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    const int server = accept(listener_, reinterpret_cast<sockaddr*>(&peer), &size);
    close(server);
    char text[INET_ADDRSTRLEN];
    return inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text));
  }

  int listener_;
  sockaddr_in address_{};
  SinkEgress egress_{EgressCalls{}};
};

TEST_F(EgressSocket, LeavesByTheSourceAddress) {
  egress_.SetPath({0, "127.0.0.7", "lo"});
  const Result<int> client = egress_.Open(AF_INET, SOCK_STREAM, 0);
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(PeerOf(*client), "127.0.0.7");
  EXPECT_GT(egress_.bytes(), 66) << "a handshake";
  egress_.Close(*client);
}

TEST_F(EgressSocket, SendsNothingMoreOnceItIsClosed) {
  egress_.Divide(1 << 20, 1 << 20);
  const Result<int> client = egress_.Open(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  ASSERT_TRUE(client.ok());
  connect(*client, reinterpret_cast<sockaddr*>(&address_), sizeof(address_));
  const int server = accept(listener_, nullptr, nullptr);
  std::string bytes(1 << 20, 'x');
  const ssize_t written = send(*client, bytes.data(), bytes.size(), 0);
  ASSERT_GT(written, 50'000) << "more than is sent at once";
  egress_.Close(*client);
  ssize_t received = 0, now = 0;
  while ((now = recv(server, bytes.data(), bytes.size(), 0)) > 0) received += now;
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_LT(received, written);
  close(server);
}

TEST_F(EgressSocket, SaysWhyThereIsNone) {
  const auto why = [this](const SinkEgressConfig& path, int family) {
    egress_.SetPath(path);
    const Result<int> made = egress_.Open(family, SOCK_STREAM, 0);
    EXPECT_FALSE(made.ok());
    EXPECT_EQ(egress_.problem(), made.error().message);
    return egress_.problem();
  };
  EXPECT_EQ(why({0, "", "nosuch0"}, AF_INET), "cannot bind to \"nosuch0\": No such device");
  EXPECT_EQ(why({0, "192.0.2.1", ""}, AF_INET),
            "cannot bind to \"192.0.2.1\": Cannot assign requested address");
  EXPECT_EQ(why({0, "::1", ""}, AF_INET),
            "cannot bind to \"::1\": Address family not supported by protocol");
}

}  // namespace
}  // namespace hinomi
