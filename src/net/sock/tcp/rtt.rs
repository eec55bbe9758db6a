//! Round-trip times and the retransmission timeout (RFC 6298; `tcp_rtt_estimator` in net/ipv4/tcp_input.c).
//!
//! Left out: the deviation's maximum over a round trip (`mdev_max`): the floor of 200 ms covers it unless a path's
//! delay varies by more than 50 ms.

use super::conn::Sock;

/// TCP_RTO_MIN: 200 ms.
pub(super) const RTO_MIN: u32 = 200_000;
/// TCP_TIMEOUT_INIT: one second.
pub(super) const RTO_INIT: u32 = 1_000_000;
/// TCP_RTO_MAX: two minutes.
pub(super) const RTO_MAX: u32 = 120_000_000;
/// A tick of the kernel's clock at 250 Hz: timeouts are rounded up to it.
pub(super) const JIFFY: u32 = 4_000;

/// Rounds microseconds up to ticks.
pub(super) fn jiffies(us: u32) -> u32 {
    us.div_ceil(JIFFY).saturating_mul(JIFFY)
}

impl Sock {
    /// Takes a sample of the round-trip time, in microseconds.
    pub(super) fn rtt_sample(&mut self, rtt_us: u32) {
        let m = rtt_us.clamp(1, RTO_MAX);
        if self.srtt == 0 {
            self.srtt = m << 3;
            self.mdev = m << 1;
            return;
        }
        let error = i64::from(m) - i64::from(self.srtt >> 3);
        self.srtt = (i64::from(self.srtt) + error).max(1) as u32;
        let mut deviation = error.abs() - i64::from(self.mdev >> 2);
        if error < 0 && deviation > 0 {
            // A falling round-trip time raises the deviation slowly.
            deviation >>= 3;
        }
        self.mdev = (i64::from(self.mdev) + deviation).max(1) as u32;
    }

    /// The timeout without backoff, in microseconds.
    pub(super) fn rto_base(&self) -> u32 {
        if self.srtt == 0 { RTO_INIT } else { jiffies((self.srtt >> 3) + self.mdev.max(RTO_MIN)).min(RTO_MAX) }
    }

    /// The timeout with backoff, in microseconds.
    pub(super) fn rto(&self) -> u32 {
        let wait = u64::from(self.rto_base()) << self.backoff.min(31);
        wait.min(u64::from(RTO_MAX)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_a_second_until_a_sample_and_then_at_least_204_ms() {
        let mut s = Sock::default();
        assert_eq!(s.rto(), 1_000_000);
        s.rtt_sample(300);
        assert_eq!(s.rto(), 204_000);
        s.backoff = 2;
        assert_eq!(s.rto(), 816_000);
        s.backoff = 20;
        assert_eq!(s.rto(), RTO_MAX);
    }

    #[test]
    fn a_long_steady_path_has_its_round_trip_and_200_ms() {
        let mut s = Sock::default();
        for _ in 0..100 {
            s.rtt_sample(100_000);
        }
        assert_eq!(s.rto(), 300_000);
    }
}
