# Expiry: by the cluster's clock, once for all nodes, never back. Clocks that
# jump are in clocks.tcl.

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
