# What was deleted gives its space back, and what has expired goes, whether or
# not anything is written afterwards.

set rows 24000
set file [open /dev/urandom rb]
set blob [read $file 1000000]
close $file

# 24 MB, of values that no compression makes smaller.
proc fill {id args} {
    set c [node_client $id]
    for {set i 0} {$i < $::rows} {incr i} {
        set at [expr {$i * 997 % 999000}]
        $c -buffer SET k$i [string range $::blob $at $at+999] {*}$args
        if {$i % 1000 == 999} {
            $c -flush
            for {set k 0} {$k < 1000} {incr k} {$c -read}
        }
    }
    $c -close
}

# Bytes of the tables and write-ahead logs of a node. They may go meanwhile.
proc space {id} {
    set sum 0
    foreach file [glob -nocomplain $::nodes($id,dir)/db/*.{sst,log}] {
        catch {incr sum [file size $file]}
    }
    return $sum
}

proc expect_space_back {} {
    foreach id $cluster::ids {
        wait_for_condition 60000 {[space $id] < 4000000}
    }
}

proc expect_filled {} {
    foreach id $cluster::ids {
        wait_for_condition 10000 {[R $id DBSIZE] == $::rows}
        assert {[space $id] > 24000000}
    }
}

start_cluster 3 {state-memory 16mb log-size 16mb} {
    set lead [wait_for_leader]
    set other [lindex [followers $lead] 0]

    test "FLUSHALL gives the space back" {
        fill $lead
        expect_filled
        R $lead FLUSHALL
        expect_space_back
    }

    test "DEL gives the space back" {
        fill $lead
        expect_filled
        for {set i 0} {$i < $rows} {incr i 1000} {
            set keys {}
            for {set k $i} {$k < $i + 1000} {incr k} {lappend keys k$k}
            assert_equal 1000 [R $other DEL {*}$keys]
        }
        expect_space_back
    }

    # Of whole values, or their pages one after the other.
    test "what takes the place of large values gives their space back" {
        set large [string repeat [string range $blob 0 499999] 2]
        set ways {
            {UNLINK KEY} {SET KEY short} {GETDEL KEY} {GETSET KEY short}
            {MSET KEY short other value} {SET KEY short XX KEEPTTL}
            {SETEX KEY 1 short} {PEXPIRE KEY 1} {GETEX KEY PX 1}
            {EXPIREAT KEY 1} {CAD KEY LARGE} {CAS KEY LARGE short}
        }
        foreach way $ways {
            foreach key {one two} {R $lead SET $key:$way $large PX 1000000}
        }
        # Written again twice: 6 MB of old pages, and 2 MB that stay.
        foreach key {a b} {
            for {set at 0} {$at < 3000000} {incr at 100000} {
                set from [expr {$at / 4}]
                R $lead SETRANGE written:$key [expr {$at % 1000000}] \
                    [string range $blob $from $from+99999]
            }
        }
        foreach id $cluster::ids {
            wait_for_condition 20000 {[space $id] > 24000000}
        }
        foreach way $ways {
            foreach key {one two} {
                set words [string map [list KEY [list $key:$way] \
                    LARGE [list $large]] $way]
                R $other {*}$words
            }
        }
        foreach id $cluster::ids {
            wait_for_condition 60000 {[space $id] < 6000000}
        }
        assert_equal 1000000 [R $other STRLEN written:a]
        R $lead UNLINK written:a written:b
        wait_for_condition 10000 {[R $lead DBSIZE] == 11}
        R $lead FLUSHALL
        expect_space_back
    }

    test "an expiry gives the space back" {
        fill $lead PX 20000
        foreach id $cluster::ids {
            wait_for_condition 60000 {[R $id DBSIZE] == 0}
        }
        expect_space_back
    }

    test "a node that is killed meanwhile gives it back after its start" {
        fill $lead
        expect_filled
        R $lead FLUSHALL
        kill_node $other
        restart_node $other
        wait_for_leader
        expect_space_back
        R $lead SET after flush
        wait_for_condition 10000 {[R $other GET after] eq "flush"}
    }

    test "the log stays for a member that is down, and goes when it has it" {
        kill_node $other
        fill $lead
        R $lead FLUSHALL
        restart_node $other
        wait_for_condition 60000 {[R $other DBSIZE] == 0}
        expect_space_back
        wait_for_same_state
    }

    # Of a slow machine nothing is asked that it cannot do.
    test "keys expire as fast as they are written" {
        set began [clock milliseconds]
        lassign [run_program timeout 100 redis-benchmark -q \
            -p $nodes($lead,port) -P 50 -c 8 -n 300000 -r 2000000000 \
            SET rl:__rand_int__ x PX 4000] status output
        assert_equal 0 $status $output
        set took [expr {[clock milliseconds] - $began}]
        wait_for_condition [expr {7000 + $took / 2}] {[R $lead DBSIZE] == 0}
        wait_for_same_state
    }
}
