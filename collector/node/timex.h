// How well the node's clock is kept.
#pragma once

#include <array>

#include "collector/node/table.h"

struct timex;

namespace hinomi {

inline constexpr MetricInfo kTimexMetrics[] = {
    {"node_timex_estimated_error_seconds", MetricType::kGauge, "seconds", "", "adjtimex(2)",
     "How far the kernel thinks its clock may be off."},
    {"node_timex_frequency_adjustment_ratio", MetricType::kGauge, "ratio", "", "adjtimex(2)",
     "How much faster the clock is made to go."},
    {"node_timex_loop_time_constant", MetricType::kGauge, "", "", "adjtimex(2)",
     "Time constant of the phase-locked loop."},
    {"node_timex_maxerror_seconds", MetricType::kGauge, "seconds", "", "adjtimex(2)",
     "How far the clock is off at most."},
    {"node_timex_offset_seconds", MetricType::kGauge, "seconds", "", "adjtimex(2)",
     "How far the clock was off when it was last compared."},
    {"node_timex_pps_calibration_total", MetricType::kCounter, "", "", "adjtimex(2)",
     "Intervals of calibration by pulses."},
    {"node_timex_pps_error_total", MetricType::kCounter, "", "", "adjtimex(2)",
     "Errors of calibration by pulses."},
    {"node_timex_pps_frequency_hertz", MetricType::kGauge, "hertz", "", "adjtimex(2)",
     "Frequency of the pulses, as an offset."},
    {"node_timex_pps_jitter_seconds", MetricType::kGauge, "seconds", "", "adjtimex(2)",
     "Jitter of the pulses."},
    {"node_timex_pps_jitter_total", MetricType::kCounter, "", "", "adjtimex(2)",
     "Times that the jitter of the pulses was too large."},
    {"node_timex_pps_shift_seconds", MetricType::kGauge, "seconds", "", "adjtimex(2)",
     "Length of the interval of calibration."},
    {"node_timex_pps_stability_exceeded_total", MetricType::kCounter, "", "", "adjtimex(2)",
     "Times that the pulses were not stable."},
    {"node_timex_pps_stability_hertz", MetricType::kGauge, "hertz", "", "adjtimex(2)",
     "Stability of the pulses."},
    {"node_timex_status", MetricType::kGauge, "", "", "adjtimex(2)",
     "Bits of the clock's status, as the kernel numbers them."},
    {"node_timex_sync_status", MetricType::kGauge, "", "", "adjtimex(2)",
     "Whether the clock is synchronised."},
    {"node_timex_tai_offset_seconds", MetricType::kGauge, "seconds", "", "adjtimex(2)",
     "Difference between International Atomic Time and UTC."},
    {"node_timex_tick_seconds", MetricType::kGauge, "seconds", "", "adjtimex(2)",
     "Length of a tick of the clock."},
};

/// As the metrics, of what adjtimex returned and filled in.
std::array<double, std::size(kTimexMetrics)> TimexValues(int state, const timex& clock);

std::unique_ptr<Collector> MakeTimex(const CollectorParts& parts);

}  // namespace hinomi
