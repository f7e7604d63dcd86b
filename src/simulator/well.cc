#include "simulator/well.h"

#include <algorithm>
#include <cmath>

namespace wellhead::simulator {

namespace {

// Uniform in [0, 1), the same on every machine (the standard's distributions are not).
double Uniform(std::mt19937_64& engine) {
    return static_cast<double>(engine() >> 11) * 0x1.0p-53;
}

double Between(std::mt19937_64& engine, double low, double high) {
    return low + (high - low) * Uniform(engine);
}

// Noise of the gauges, as a part of the value.
constexpr double kFlowNoise = 0.006;
constexpr double kPressureNoise = 0.0008;
// The drift forgets itself in about this many seconds.
constexpr double kDriftSeconds = 180;
constexpr double kFlowDrift = 0.02;
constexpr double kPressureDrift = 0.002;

}  // namespace

Well::Well(WellSettings settings)
    : settings_(settings),
      engine_(settings.seed * 0x9e3779b97f4a7c15ULL + 1),
      pressure_bar_(Between(engine_, 210, 320)),
      bottomhole_bar_(pressure_bar_ * Between(engine_, 0.55, 0.75)),
      productivity_(Between(engine_, 0.0006, 0.0016)),
      capacity_barrels_(Between(engine_, 4.0e5, 1.2e6)) {}

double Well::Normal() {
    double radius = std::sqrt(-2 * std::log(1 - Uniform(engine_)));
    return radius * std::cos(2 * M_PI * Uniform(engine_));
}

Reading Well::Next(double elapsed_s) {
    double flow = productivity_ * (pressure_bar_ - bottomhole_bar_);
    double drawdown =
        (pressure_bar_ - bottomhole_bar_) * std::exp(-flow * elapsed_s / capacity_barrels_);
    pressure_bar_ = bottomhole_bar_ + drawdown;

    double keep = std::exp(-elapsed_s / kDriftSeconds);
    double renew = std::sqrt(1 - keep * keep);
    flow_drift_ = flow_drift_ * keep + kFlowDrift * renew * Normal();
    pressure_drift_ = pressure_drift_ * keep + kPressureDrift * renew * Normal();

    Reading reading;
    reading.barrels_per_second =
        productivity_ * drawdown * (1 + flow_drift_ + kFlowNoise * Normal());
    reading.reservoir_pressure = pressure_bar_ * (1 + pressure_drift_ + kPressureNoise * Normal());

    if (settings_.outlier_probability > 0 && Uniform(engine_) < settings_.outlier_probability) {
        reading.outlier = true;
        switch (engine_() % 4) {
            case 0: reading.barrels_per_second *= Between(engine_, 2.5, 5); break;
            case 1: reading.barrels_per_second *= Between(engine_, 0, 0.2); break;
            case 2: reading.reservoir_pressure *= Between(engine_, 1.4, 1.9); break;
            default: reading.reservoir_pressure *= Between(engine_, 0.2, 0.6); break;
        }
    }
    reading.barrels_per_second = std::max(0.0, reading.barrels_per_second);
    return reading;
}

}  // namespace wellhead::simulator
