# Planted mistakes, which must be found; else the rung is blind.
source [file dirname [info script]]/chaos.tcl
source [file dirname [info script]]/faults.tcl

# Each node is paused for longer than the clients wait: what they have sent is
# executed when nobody listens any more.
proc pause_each {} {
    foreach id $cluster::ids {
        fault::stop $id
        pause 900
        heal
        pause 100
    }
    wait_service
}

proc condemned {} {
    assert_equal "NOT linearizable" [history_verdict]
}

chaos::seed 1
chaos_cluster 3 {read-mode stale} {
    test "a stale read of a node that is cut off is found" {
        history_begin --expiry-clients 0
        fault::isolate-follower 1500
        heal
        wait_service
        history_counts
        condemned
    }
}

chaos_cluster 3 {} {
    test "a retry under a new number is found to be executed twice" {
        history_begin --fresh-ids --expiry-clients 0 --timeout-ms 400
        pause_each
        assert {[dict get [history_counts] retries] > 0}
        condemned
    }
    test "a refusal that was executed all the same is found" {
        history_begin --no-doubt --expiry-clients 0 --timeout-ms 400
        pause_each
        assert {[dict get [history_counts] unknown] > 0}
        condemned
        assert_match "*refused*" $chaos::explanation
    }
}

if {[chaos::with_clocks]} {
    chaos_cluster 3 {} {
        test "keys that end before their time are found" {
            history_begin
            # Its clock runs at six times the pace, but never so far ahead at
            # once that it takes the others for dead.
            set leader [fault::leader]
            for {set ms 200} {$ms <= 10000} {incr ms 200} {
                chaos::advance $leader $ms
                pause 40
            }
            set counts [history_counts]
            assert {[dict get $counts early] > 0} $counts
        }
    }
} else {
    note "a sanitizer: no clock was moved"
}
