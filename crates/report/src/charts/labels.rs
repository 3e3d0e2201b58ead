//! Places labels so that they do not cover each other.

/// Moves positions apart until neighbours are at least `gap` apart, each as little as possible, and keeps them between
/// `low` and `high` where there is room. The result is in the order of the input.
pub(crate) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut clusters: Vec<Cluster> = Vec::new();
    for &index in &order {
        clusters.push(Cluster::of(wanted[index]));
        settle(&mut clusters, gap, low, high);
    }
    let placed = clusters.iter().flat_map(|cluster| {
        let start = cluster.start(gap, low, high);
        (0..cluster.members).map(move |at| start + at as f64 * gap)
    });
    let mut result = vec![0.0; wanted.len()];
    for (&index, position) in order.iter().zip(placed) {
        result[index] = position;
    }
    result
}

/// Neighbouring labels that touch and therefore share one centre.
struct Cluster {
    sum: f64,
    members: usize,
}

impl Cluster {
    fn of(wanted: f64) -> Self {
        Self { sum: wanted, members: 1 }
    }

    fn span(&self, gap: f64) -> f64 {
        (self.members - 1) as f64 * gap
    }

    /// Returns the position of the first label.
    fn start(&self, gap: f64, low: f64, high: f64) -> f64 {
        let centred = self.sum / self.members as f64 - self.span(gap) / 2.0;
        centred.min(high - self.span(gap)).max(low)
    }
}

/// Merges the last cluster with the clusters that it touches.
fn settle(clusters: &mut Vec<Cluster>, gap: f64, low: f64, high: f64) {
    while let [.., before, last] = clusters.as_mut_slice() {
        if last.start(gap, low, high) - (before.start(gap, low, high) + before.span(gap)) >= gap {
            break;
        }
        before.sum += last.sum;
        before.members += last.members;
        clusters.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_room_stay_where_they_are() {
        assert_eq!(spread(&[50.0, 10.0, 90.0], 14.0, 0.0, 100.0), [50.0, 10.0, 90.0]);
    }

    #[test]
    fn labels_at_one_place_spread_around_it() {
        assert_eq!(spread(&[50.0, 50.0, 50.0], 10.0, 0.0, 100.0), [40.0, 50.0, 60.0]);
    }

    #[test]
    fn labels_stay_inside() {
        assert_eq!(spread(&[99.0, 98.0], 10.0, 0.0, 100.0), [100.0, 90.0]);
        assert_eq!(spread(&[1.0, 2.0], 10.0, 0.0, 100.0), [0.0, 10.0]);
    }

    #[test]
    fn a_push_can_reach_the_next_label() {
        let placed = spread(&[10.0, 12.0, 24.0], 10.0, 0.0, 100.0);
        assert!(placed.windows(2).all(|pair| pair[1] - pair[0] >= 10.0 - 1e-9), "{placed:?}");
    }
}
