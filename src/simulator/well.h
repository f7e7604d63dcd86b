#pragma once
// One well: reservoir pressure declines with what was produced, flow follows the drawdown, gauges are noisy, and now and
// then a reading is an outlier. Pure and seeded: the same seed gives the same readings.

#include <cstdint>
#include <random>

namespace wellhead::simulator {

struct Reading {
    double barrels_per_second = 0;
    double reservoir_pressure = 0;  // bar
    bool outlier = false;
};

struct WellSettings {
    uint64_t seed = 1;  // of this well
    // Probability of a reading being an outlier: a spike or a drop of one of the two measures.
    double outlier_probability = 0;
};

class Well {
  public:
    explicit Well(WellSettings settings);

    // The reading after elapsed_s more seconds of production.
    Reading Next(double elapsed_s);

  private:
    double Normal();  // mean 0, deviation 1

    WellSettings settings_;
    std::mt19937_64 engine_;
    double pressure_bar_;            // of the reservoir around the well
    const double bottomhole_bar_;    // held by the choke
    const double productivity_;      // barrels per second per bar of drawdown
    const double capacity_barrels_;  // production that takes one e-fold off the drawdown
    double flow_drift_ = 0;          // slow, mean-reverting: slugging, temperature
    double pressure_drift_ = 0;
};

}  // namespace wellhead::simulator
