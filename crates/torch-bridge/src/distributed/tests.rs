//! What groups and stores promise. The members are threads of one process.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tch::{Device, Kind, Tensor};

use super::{Backend, Buckets, KeyStore, Meeting, Membership, ProcessGroup, in_threads};
use crate::Fault;

const WORLDS: [usize; 4] = [1, 2, 3, 4];

fn leaf(values: &[f32]) -> Tensor {
    Tensor::from_slice(values).set_requires_grad(true)
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, -1)).unwrap()
}

/// The sum of 1, 2, … over the members.
fn sum_of_ranks(group: &ProcessGroup) -> f32 {
    (1..=group.world()).map(|n| n as f32).sum()
}

fn number_of(group: &ProcessGroup) -> f32 {
    (group.rank() + 1) as f32
}

#[test]
fn a_sum_is_that_of_all_members_and_is_written_in_place() {
    for world in WORLDS {
        in_threads(world, |group| {
            let mut tensor = Tensor::from_slice(&[number_of(&group), 10.0]);
            let same = tensor.shallow_clone();
            group.sum(&mut tensor).unwrap();
            assert_eq!(values(&same), [sum_of_ranks(&group), 10.0 * world as f32]);
        })
        .unwrap();
    }
}

#[test]
fn every_member_has_the_same_bits_of_a_sum() {
    let sums = in_threads(3, |group| {
        let numbers = Tensor::arange(1000, (Kind::Float, Device::Cpu));
        let mut tensor = (numbers * f64::from(0.1 * number_of(&group))).sin();
        group.sum(&mut tensor).unwrap();
        values(&tensor).into_iter().map(f32::to_bits).collect::<Vec<_>>()
    })
    .unwrap();
    assert!(sums[0] == sums[1] && sums[1] == sums[2]);
}

#[test]
fn a_tensor_that_is_not_contiguous_is_summed_where_it_lies() {
    in_threads(2, |group| {
        let whole = Tensor::zeros([3, 2], (Kind::Float, Device::Cpu));
        let mut column = whole.select(1, 1);
        let _ = column.fill_(f64::from(number_of(&group)));
        group.sum(&mut column).unwrap();
        assert_eq!(values(&whole), [0.0, 3.0, 0.0, 3.0, 0.0, 3.0]);
    })
    .unwrap();
}

#[test]
fn gathered_tensors_come_in_the_order_of_the_ranks_without_a_graph() {
    for world in WORLDS {
        in_threads(world, |group| {
            let own = leaf(&[number_of(&group), 0.5]);
            let all = group.gather(&own).unwrap();
            assert!(all.iter().all(|part| !part.requires_grad()));
            let expected: Vec<_> = (1..=world).map(|n| vec![n as f32, 0.5]).collect();
            assert_eq!(all.iter().map(values).collect::<Vec<_>>(), expected);
        })
        .unwrap();
    }
}

#[test]
fn a_broadcast_gives_everyone_the_tensor_of_one_member_even_for_a_weight() {
    in_threads(3, |group| {
        let mut weight = leaf(&[number_of(&group)]);
        group.broadcast(&mut weight, 1).unwrap();
        assert_eq!(values(&weight.detach()), [2.0]);
        assert!(weight.requires_grad());
    })
    .unwrap();
}

#[test]
fn tensors_without_elements_go_through_every_operation() {
    in_threads(2, |group| {
        let mut none = Tensor::zeros([0, 4], (Kind::Float, Device::Cpu));
        group.sum(&mut none).unwrap();
        group.broadcast(&mut none, 0).unwrap();
        let all = group.gather(&none).unwrap();
        assert_eq!(all.iter().map(Tensor::size).collect::<Vec<_>>(), [[0, 4], [0, 4]]);
        group.barrier().unwrap();
    })
    .unwrap();
}

#[test]
fn what_no_member_can_do_is_refused_and_the_group_goes_on() {
    in_threads(2, |group| {
        for mut misfit in [Tensor::new(), Tensor::zeros([1], (Kind::Int16, Device::Cpu))] {
            assert_eq!(group.sum(&mut misfit).unwrap_err().fault(), Fault::Refused);
        }
        let mut tensor = Tensor::from_slice(&[1.0f32]);
        assert_eq!(group.broadcast(&mut tensor, 2).unwrap_err().fault(), Fault::Refused);
        group.sum(&mut tensor).unwrap();
        assert_eq!(values(&tensor), [2.0]);
    })
    .unwrap();
}

#[test]
fn when_a_member_leaves_the_operations_of_all_others_fail_then_and_later() {
    in_threads(3, |group| {
        if group.rank() == 0 {
            return group.leave();
        }
        for _ in 0..2 {
            let mut tensor = Tensor::from_slice(&[1.0f32; 100]);
            assert_eq!(group.sum(&mut tensor).unwrap_err().fault(), Fault::Lost);
        }
        assert_eq!(group.barrier().unwrap_err().fault(), Fault::Lost);
    })
    .unwrap();
}

#[test]
fn leaving_ends_an_operation_that_another_thread_waits_for() {
    let (end, ended) = channel::<()>();
    let ended = Mutex::new(ended);
    in_threads(2, |group| {
        if group.rank() == 1 {
            // It keeps its connections, as a host does that has lost its network, and takes no part.
            let _ = ended.lock().unwrap().recv_timeout(LONG);
            return;
        }
        let mut tensor = Tensor::from_slice(&[1.0f32; 100]);
        let error = thread::scope(|scope| {
            let waits = scope.spawn(|| group.sum(&mut tensor).unwrap_err());
            group.leave();
            waits.join().unwrap()
        });
        assert_eq!(error.fault(), Fault::Lost);
        end.send(()).unwrap();
    })
    .unwrap();
}

#[test]
fn gradients_are_summed_whatever_the_size_of_the_buckets() {
    for world in WORLDS {
        for bytes in [0, 12, 16, 1 << 20] {
            in_threads(world, |group| sums_of_three_weights(&group, bytes)).unwrap();
        }
    }
}

/// A weight that all members use, one that only the first does, and one that nobody does.
fn sums_of_three_weights(group: &ProcessGroup, bytes: usize) {
    let [common, of_the_first, unused] = [leaf(&[1.0, 2.0, 3.0]), leaf(&[4.0, 5.0]), leaf(&[6.0; 4])];
    let buckets = Buckets::new(group, &[&of_the_first, &common, &unused], bytes).unwrap();
    buckets.arm(true);
    let mut loss = (&common * f64::from(number_of(group))).sum(Kind::Float);
    if group.rank() == 0 {
        loss += (&of_the_first * 7.0).sum(Kind::Float);
    }
    loss.backward();
    // 9 gradients and a number for each weight.
    assert_eq!(buckets.finish().unwrap(), (9 + 3) * 4);
    assert_eq!(values(&common.grad()), [sum_of_ranks(group); 3]);
    assert_eq!(values(&of_the_first.grad()), [7.0; 2]);
    assert!(!unused.grad().defined());
}

#[test]
fn a_member_without_any_gradient_takes_part() {
    in_threads(2, |group| {
        let weight = leaf(&[1.0, 2.0]);
        let buckets = Buckets::new(&group, &[&weight], 1 << 20).unwrap();
        buckets.arm(true);
        if group.rank() == 1 {
            (&weight * 3.0).sum(Kind::Float).backward();
        }
        buckets.finish().unwrap();
        assert_eq!(values(&weight.grad()), [3.0; 2]);
    })
    .unwrap();
}

#[test]
fn buckets_go_during_the_armed_pass_in_their_order() {
    in_threads(2, |group| {
        let [first, second, third] = [leaf(&[1.0]), leaf(&[2.0]), leaf(&[3.0])];
        let buckets = Buckets::new(&group, &[&first, &second, &third], 0).unwrap();
        let gone = |weight: &Tensor| !weight.grad().defined();
        (&first + &third).sum(Kind::Float).backward();
        assert!(!gone(&first), "it went before the pass that completes it");
        buckets.arm(true);
        (&first + &third).sum(Kind::Float).backward();
        assert!(gone(&first) && !gone(&third), "the third must wait for the second");
        second.sum(Kind::Float).backward();
        assert!(gone(&second) && gone(&third));
        buckets.finish().unwrap();
        assert_eq!([&first, &second, &third].map(|weight| values(&weight.grad())[0]), [4.0, 2.0, 4.0]);
    })
    .unwrap();
}

#[test]
fn a_round_follows_another() {
    in_threads(2, |group| {
        let mut weight = leaf(&[1.0]);
        let buckets = Buckets::new(&group, &[&weight], 1 << 20).unwrap();
        for expected in [2.0, 2.0] {
            crate::forget_grad(&mut weight).unwrap();
            buckets.arm(true);
            weight.sum(Kind::Float).backward();
            buckets.finish().unwrap();
            assert_eq!(values(&weight.grad()), [expected]);
        }
    })
    .unwrap();
}

#[test]
fn the_sums_of_a_round_are_not_touched_by_the_next() {
    in_threads(2, |group| {
        let mut weight = leaf(&[1.0]);
        let buckets = Buckets::new(&group, &[&weight], 1 << 20).unwrap();
        (&weight * 5.0).sum(Kind::Float).backward();
        buckets.finish().unwrap();
        let kept = weight.grad();
        crate::forget_grad(&mut weight).unwrap();
        weight.sum(Kind::Float).backward();
        buckets.finish().unwrap();
        assert_eq!(values(&kept), [10.0]);
    })
    .unwrap();
}

#[test]
fn a_gradient_that_comes_after_the_complete_one_is_an_error_of_this_round_alone() {
    in_threads(2, |group| {
        let mut weight = leaf(&[1.0]);
        let buckets = Buckets::new(&group, &[&weight], 1 << 20).unwrap();
        buckets.arm(true);
        weight.sum(Kind::Float).backward();
        weight.sum(Kind::Float).backward();
        assert_eq!(buckets.finish().unwrap_err().fault(), Fault::Refused);
        crate::forget_grad(&mut weight).unwrap();
        weight.sum(Kind::Float).backward();
        buckets.finish().unwrap();
        assert_eq!(values(&weight.grad()), [2.0]);
    })
    .unwrap();
}

#[test]
fn a_member_that_gives_up_in_the_middle_of_a_round_waits_for_nobody_and_ends_that_of_the_others() {
    in_threads(2, |group| {
        let [early, late] = [leaf(&[1.0; 1000]), leaf(&[1.0; 1000])];
        let buckets = Buckets::new(&group, &[&early, &late], 0).unwrap();
        buckets.arm(true);
        if group.rank() == 0 {
            early.sum(Kind::Float).backward();
            return group.leave();
        }
        assert_eq!(buckets.finish().unwrap_err().fault(), Fault::Lost);
    })
    .unwrap();
}

#[test]
fn only_leaves_with_a_gradient_have_a_place_in_a_bucket() {
    in_threads(1, |group| {
        let weight = leaf(&[1.0]);
        for misfit in [&Tensor::from_slice(&[1.0f32]), &(&weight * 2.0), &Tensor::new()] {
            assert_eq!(Buckets::new(&group, &[misfit], 1).unwrap_err().fault(), Fault::Refused);
        }
    })
    .unwrap();
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(1);

fn meeting(host: &str, port: u16, hosts_store: bool, timeout: Duration) -> Meeting<'_> {
    Meeting { host, port, hosts_store, world: 2, prefix: "test", timeout }
}

fn membership(rank: usize, world: usize) -> Membership<'static> {
    Membership { rank, world, backend: Backend::Gloo, interface: Some("lo"), timeout: LONG }
}

fn host_and_guest() -> [KeyStore; 2] {
    let host = KeyStore::meet(&meeting("127.0.0.1", 0, true, LONG)).unwrap();
    let guest = KeyStore::meet(&meeting("127.0.0.1", host.port(), false, LONG)).unwrap();
    [host, guest]
}

#[test]
fn a_store_has_what_was_set_for_all_with_the_same_prefix() {
    let [host, guest] = host_and_guest();
    let elsewhere = Meeting { prefix: "other", ..meeting("127.0.0.1", host.port(), false, LONG) };
    let stranger = KeyStore::meet(&elsewhere).unwrap();
    let soon = Duration::from_millis(1);
    assert_eq!(guest.get("key", soon).unwrap(), None);
    host.set("key", b"\x00value").unwrap();
    host.set("empty", b"").unwrap();
    assert_eq!(guest.get("key", LONG).unwrap().as_deref(), Some(&b"\x00value"[..]));
    assert_eq!(guest.get("empty", LONG).unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(stranger.get("key", soon).unwrap(), None);
    assert_eq!([guest.add("n", 2).unwrap(), host.add("n", 3).unwrap()], [2, 5]);
    assert_eq!(guest.set("a\0b", b"").unwrap_err().fault(), Fault::Refused);
}

#[test]
fn members_that_meet_in_a_store_form_a_group_that_outlives_it() {
    let stores = host_and_guest();
    let join = |(rank, store): (usize, KeyStore)| ProcessGroup::join(&store, &membership(rank, 2)).unwrap();
    let members: Vec<_> =
        stores.into_iter().enumerate().map(|member| thread::spawn(move || join(member))).collect();
    let groups: Vec<_> = members.into_iter().map(|member| member.join().unwrap()).collect();
    thread::scope(|scope| {
        for group in groups {
            scope.spawn(move || {
                let mut tensor = Tensor::from_slice(&[number_of(&group)]);
                group.sum(&mut tensor).unwrap();
                assert_eq!(values(&tensor), [3.0]);
            });
        }
    });
}

#[test]
fn a_store_whose_host_has_gone_is_lost() {
    let [host, guest] = host_and_guest();
    drop(host);
    assert_eq!(guest.get("key", LONG).unwrap_err().fault(), Fault::Lost);
}

#[test]
fn a_store_at_a_port_in_use_says_so() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = KeyStore::meet(&meeting("127.0.0.1", port, true, SHORT)).unwrap_err();
    assert_eq!(error.fault(), Fault::AddressInUse, "{error}");
}

#[test]
fn a_host_without_an_address_says_so() {
    // No name server is asked for a name with an empty part.
    let error = KeyStore::meet(&meeting("a..b", 1, false, SHORT)).unwrap_err();
    assert_eq!(error.fault(), Fault::UnknownHost, "{error}");
}

#[test]
fn a_store_that_nobody_hosts_is_given_up() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = KeyStore::meet(&meeting("127.0.0.1", port, false, SHORT)).unwrap_err();
    assert_eq!(error.fault(), Fault::Lost, "{error}");
}

#[test]
fn something_else_than_a_store_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = KeyStore::meet(&meeting("127.0.0.1", port, false, SHORT)).unwrap_err();
    assert_eq!(error.fault(), Fault::Lost, "{error}");
}

#[test]
fn a_group_that_nobody_else_joins_is_given_up() {
    let store = KeyStore::within_process(SHORT).unwrap();
    let error = ProcessGroup::join(&store, &membership(0, 2)).unwrap_err();
    assert_eq!(error.fault(), Fault::Lost, "{error}");
}

#[test]
fn an_interface_that_is_not_there_and_a_rank_beyond_the_world_are_refused() {
    let store = KeyStore::within_process(SHORT).unwrap();
    for (rank, interface) in [(0, "nothing0"), (1, "lo")] {
        let membership = Membership { interface: Some(interface), ..membership(rank, 1) };
        let error = ProcessGroup::join(&store, &membership).unwrap_err();
        assert_eq!(error.fault(), Fault::Refused, "{error}");
    }
}

#[test]
fn nccl_is_refused_where_the_libtorch_in_use_has_none() {
    // The tests' libtorch is that for CPUs.
    assert!(!Backend::has_nccl());
    let store = KeyStore::within_process(SHORT).unwrap();
    let membership = Membership { backend: Backend::Nccl, ..membership(0, 1) };
    let error = ProcessGroup::join(&store, &membership).unwrap_err();
    assert_eq!(
        (error.fault(), error.to_string().as_str()),
        (Fault::Refused, "the libtorch in use has no NCCL")
    );
}

/// For a libtorch with CUDA on a host without a GPU: c10d's group for NCCL is found and made as far as it can be.
#[test]
#[ignore = "needs a libtorch with CUDA in LD_LIBRARY_PATH, and no GPU"]
fn nccl_of_a_libtorch_with_cuda_asks_for_a_gpu() {
    assert!(crate::load_cuda().unwrap() && Backend::has_nccl());
    let store = KeyStore::within_process(SHORT).unwrap();
    let membership = Membership { backend: Backend::Nccl, ..membership(0, 1) };
    let error = ProcessGroup::join(&store, &membership).unwrap_err();
    assert!(error.to_string().contains("no GPUs found"), "{error}");
}

/// For a host with a GPU: a group of one process, which is all that one GPU allows.
#[test]
#[ignore = "needs a libtorch with CUDA in LD_LIBRARY_PATH, and a GPU"]
fn nccl_carries_what_is_on_a_gpu_and_gloo_carries_the_rest() {
    assert!(crate::load_cuda().unwrap() && Backend::has_nccl());
    let store = KeyStore::within_process(SHORT).unwrap();
    let membership = Membership { backend: Backend::Nccl, ..membership(0, 1) };
    let group = ProcessGroup::join(&store, &membership).unwrap();
    for device in [Device::Cpu, Device::Cuda(0)] {
        let mut tensor = Tensor::from_slice(&[1.0f32, 2.0]).to_device(device);
        group.sum(&mut tensor).unwrap();
        assert_eq!((tensor.device(), values(&tensor)), (device, vec![1.0, 2.0]));
        let all = group.gather(&tensor).unwrap();
        assert_eq!((all.len(), all[0].device()), (1, device));
        group.broadcast(&mut tensor, 0).unwrap();
        let weight = Tensor::from_slice(&[3.0f32]).to_device(device).set_requires_grad(true);
        let buckets = Buckets::new(&group, &[&weight], 1 << 20).unwrap();
        buckets.arm(true);
        (&weight * 2.0).sum(Kind::Float).backward();
        buckets.finish().unwrap();
        assert_eq!(values(&weight.grad()), [2.0]);
    }
}
