// Bugs that the simulation has to find: each one is a mistake that is easily made. They exist only
// in builds with HINOMI_PLANTED_BUGS, and there one at most is awake.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace hinomi {

enum class Bug {
  kNone,
  kCheckpointAhead,
  kInodeAlone,
  kPartDroppedAtRotation,
  kIdWithoutBytes,
  kTicketSkipped,
  kCorruptNotSettled,
  kDeadLetterNotWritten,
  kDeadLetterErrorIgnored,
  kForgottenNotReadAgain,
  kNoGraceAfterRotation,
  kFailureTakenForSuccess,
  kRetriedLast,
  kSegmentPrunedUnsettled,
  kCutNotRemembered,
  kMidLineOverwritten,
  kShortReadPassedOver,
  kGunzippedFromStart,
  kReleasedBeforeCheckpoint,
  kDropsNotCounted,
  kSentAgainCountedTwice,
};

inline constexpr std::array<std::pair<Bug, std::string_view>, 20> kPlantedBugs = {{
    {Bug::kCheckpointAhead, "the checkpoint holds what was read instead of what is settled"},
    {Bug::kInodeAlone, "a file of the checkpoint is known by its inode alone"},
    {Bug::kPartDroppedAtRotation, "a record that is open at the end of a file is dropped"},
    {Bug::kIdWithoutBytes, "a document's id does without segment and raw bytes"},
    {Bug::kTicketSkipped, "a ticket settles what came before it"},
    {Bug::kCorruptNotSettled, "a slice of corrupt bytes alone is not settled"},
    {Bug::kDeadLetterNotWritten, "a refused document is settled without a dead letter"},
    {Bug::kDeadLetterErrorIgnored, "a dead letter that could not be written counts as written"},
    {Bug::kForgottenNotReadAgain, "what a dead sink's batches held is not read again"},
    {Bug::kNoGraceAfterRotation, "a rotated file is final at once"},
    {Bug::kFailureTakenForSuccess, "an attempt without an answer acknowledges"},
    {Bug::kRetriedLast, "a batch that failed queues up behind the others"},
    {Bug::kSegmentPrunedUnsettled, "a removed file is let go of before it is settled"},
    {Bug::kCutNotRemembered, "the checkpoint forgets that a line was cut"},
    {Bug::kMidLineOverwritten, "a record cut beside a long line hides that the line goes on"},
    {Bug::kShortReadPassedOver, "behind a short read the next file is read"},
    {Bug::kGunzippedFromStart, "a compressed file is read from its start, whatever the offset"},
    {Bug::kReleasedBeforeCheckpoint, "a file is let go of before the checkpoint is on the disk"},
    {Bug::kDropsNotCounted, "the ledger leaves out what was refused"},
    {Bug::kSentAgainCountedTwice, "the ledger counts twice what is sent again"},
}};

#ifdef HINOMI_PLANTED_BUGS
inline Bug awake_bug = Bug::kNone;
inline bool PlantedBug(Bug bug) { return bug == awake_bug; }
#else
constexpr bool PlantedBug(Bug) { return false; }
#endif

}  // namespace hinomi
