#pragma once
// MetricsMirror: the broker's figures in the program's metrics, brought up to date now and then instead of in the hot path.

#include <vector>

#include "base/metrics.h"

namespace wellhead::mqtt {

struct BrokerFigures;

class MetricsMirror {
  public:
    MetricsMirror();
    void Update(const BrokerFigures& figures);

  private:
    struct Mirrored {
        base::Counter* counter;
        uint64_t last;
        void Reach(uint64_t now) {
            counter->Add(now - last);
            last = now;
        }
    };
    Mirrored connects_, received_, sent_, dropped_qos0_, dropped_queue_, refused_quota_, refused_permission_,
        protocol_errors_;
    base::Gauge &connections_, &sessions_, &retained_, &queued_bytes_;
};

}  // namespace wellhead::mqtt
