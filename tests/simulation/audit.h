// What the agent's books and its hands must look like: its ledger beside what lies on the disk, its
// escrow beside what it still needs. By the disk and by what may happen in the world alone.
#pragma once

#include <string>

#include "shipper/status.h"
#include "tests/simulation/model.h"
#include "tests/simulation/simulated_disk.h"
#include "tests/simulation/world.h"

namespace hinomi::simulation {

/// At any time: every account adds up, and no loss has a reason that cannot be. Throws Violation.
void CheckLedger(const Ledger& ledger, const World& world);

/// When all is delivered: nothing is pending; where nothing is ever taken away, all that lies on
/// the disk was produced. Throws Violation.
void CheckLedgerAtRest(const Ledger& ledger, const World& world, const Model& model,
                       const SimulatedDisk& disk);

/// At any time: no file that was settled and given up is taken for lost. Throws Violation.
void CheckLosses(const Ledger& ledger, const World& world, const Model& model);

/// When all is delivered: only the newest file of each log is held. Throws Violation.
void CheckEscrowAtRest(const World& world, const SimulatedDisk& disk);

}  // namespace hinomi::simulation
