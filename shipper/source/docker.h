// Finds the logs of docker's containers on a machine without Kubernetes:
// <root>/containers/<id>/<id>-json.log, rotated ones .1 (the newest), .2 and so on beside it, and
// config.v2.json, which says whose they are. One source for each data directory of docker.
//
// Source: moby, daemon/logger/jsonfilelog and container/container.go.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "config/config.h"
#include "metadata/docker_container.h"
#include "shipper/source/directory_source.h"

namespace hinomi {

class DockerSource final : public DirectorySource {
 public:
  /// `root` is one of config.docker.roots; for the watcher see DirectorySource.
  DockerSource(const Config& config, const std::string& root, Parts parts,
               std::unique_ptr<DirectoryWatcher> watcher);

 protected:
  bool Wanted(const std::string& directory) override;
  std::optional<Found> Look(const std::string& directory,
                            const std::vector<DirectoryEntry>& entries) override;
  std::optional<uint32_t> RestartOf(const std::string& directory, const std::string& name) override;

 private:
  /// What is known of a container. Until its config.v2.json can be read, its id is its name.
  struct Known {
    std::shared_ptr<const DockerContainer> container;
    FileStat config;          // of the file that was read
    bool unreadable = false;  // it cannot be read now; said once
  };

  void Learn(const std::string& id, Known* known);
  Result<DockerContainer> ReadConfig(const std::string& id, const FileStat& stat);

  const std::string prefix_;  // of a container's directory as the node sees it
  std::map<std::string, Known> known_;
  Share unreadable_;
};

}  // namespace hinomi
