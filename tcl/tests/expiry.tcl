# Expiry: by the cluster's clock, once for all nodes, never back.

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    test "a key goes when its time is over, on all nodes" {
        R $follow SET brief v PX 300
        foreach id $cluster::ids {assert_equal v [R $id GET brief]}
        wait_for_condition 3000 {[R $follow GET brief] eq ""}
        foreach id $cluster::ids {
            assert_equal nil [node_typed $id GET brief]
            assert_equal :0 [node_typed $id EXISTS brief]
            assert_equal :-2 [node_typed $id TTL brief]
        }
    }

    test "expired keys do not count: the leader sweeps them" {
        R $lead FLUSHALL
        set c [node_client $lead]
        for {set i 0} {$i < 500} {incr i} {$c -buffer SET sweep$i v PX 200}
        $c -flush
        for {set i 0} {$i < 500} {incr i} {$c -read}
        $c -close
        wait_for_condition 10000 {[R $follow DBSIZE] == 0}
        foreach id $cluster::ids {
            wait_for_condition 3000 {[R $id DBSIZE] == 0}
        }
    }

    test "an expired key is no longer in the way of NX" {
        R $lead SET nx old PX 50
        pause 80
        assert_equal OK [R $follow SET nx new NX]
        assert_equal new [R $lead GET nx]
    }

    test "INCR of an expired counter begins anew, without its expiry" {
        R $lead SET cnt 100 PX 50
        pause 80
        assert_equal 1 [R $follow INCR cnt]
        assert_equal -1 [R $lead TTL cnt]
    }

    test "an expiry outlives a change of leader" {
        R $lead SET stay v EX 1000
        R $lead SET leave v PX 700
        kill_node $lead
        set new [wait_for_leader [followers $lead]]
        assert {[R $new TTL stay] > 990}
        wait_for_condition 5000 {[R $new EXISTS leave] == 0}
        restart_node $lead
        wait_for_leader
        assert_equal 0 [R $lead EXISTS leave]
        assert {[R $lead TTL stay] > 980}
    }

    test "the state is the same on all nodes" {
        wait_for_same_state
    }
}

# The leader's wall clock is an hour ahead for a while, and so is the log then.
# Times to live must go on: on the same leader, the next one, and after all
# have been started again.

proc lives_about {ms key} {
    set begin [clock milliseconds]
    R $::follow SET $key v PX $ms
    wait_for_condition [expr {$ms + 4000}] {[R $::follow GET $key] eq ""}
    set took [expr {[clock milliseconds] - $begin}]
    assert {$took >= $ms - 20} "gone after $took ms of $ms"
    R $::follow SET $key v PX $ms
    wait_for_condition [expr {$ms + 4000}] {[R $::lead DBSIZE] == 0}
}

source [file dirname [info script]]/../chaos/chaos.tcl
if {!$::sanitized && [chaos::with_clocks]} {
    chaos_cluster 3 {} {
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]

        test "a clock that was ahead does not stop the log's time" {
            lives_about 300 before
            chaos::set_clock $lead 3600
            lives_about 300 ahead
            chaos::set_clock $lead 0
            lives_about 300 behind
            assert_equal $lead [wait_for_leader]
            R $lead SET far v EX 100
            assert_equal 100 [R $follow TTL far]
            set ahead [expr {[R $follow EXPIRETIME far] - [clock seconds]}]
            assert {$ahead > 3600 && $ahead <= 3701} $ahead
            R $lead DEL far
            assert_match "*time of the log is * ms ahead*" [log_tail $lead]
        }

        test "nor does it stop at the next leader" {
            kill_node $lead
            set first $lead
            set lead [wait_for_leader [followers $lead]]
            lives_about 300 next
            restart_node $first
        }

        test "nor when all start again" {
            foreach id $cluster::ids {kill_node $id}
            foreach id $cluster::ids {restart_node $id}
            set lead [wait_for_leader]
            lives_about 300 again
            wait_for_same_state
        }
    }
} else {
    note "no libfaketime (package faketime), or a sanitizer: no clock was moved"
}
