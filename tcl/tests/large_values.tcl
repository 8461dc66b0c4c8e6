# Long values are apart from their keys: what needs no more than the head of one
# costs what a head costs, and short values have nothing to do with long ones.

# What the loop of a node has taken of the processor so far, in ticks.
proc loop_ticks {id} {
    set pid $::nodes($id,pid)
    set text [read_file /proc/$pid/task/$pid/stat]
    set rest [string range $text [expr {[string last ")" $text] + 2}] end]
    return [expr {[lindex $rest 11] + [lindex $rest 12]}]
}

# What a node has read, from files and sockets, in bytes.
proc bytes_read {id} {
    regexp {rchar: (\d+)} [read_file /proc/$::nodes($id,pid)/io] -> bytes
    return $bytes
}

proc random_bytes {count} {
    set fd [open /dev/urandom rb]
    set bytes [read $fd $count]
    close $fd
    return $bytes
}

set head_commands {
    {EXISTS KEY} {TYPE KEY} {STRLEN KEY} {TTL KEY} {PTTL KEY}
    {EXPIRETIME KEY} {TOUCH KEY} {EXPIRE KEY 100000} {PERSIST KEY}
    {SET KEY x NX} {SETNX KEY x} {GETRANGE KEY 1 10} {SETRANGE KEY 5 x}
    {APPEND KEY x} {CAS KEY no x} {CAD KEY no} {EXISTS KEY KEY KEY}
    {PEXPIRE KEY 100000000 GT} {SUBSTR KEY -10 -1}
}

# Every such command, so often; returns the ticks.
proc ticks_of_heads {key times} {
    set before [loop_ticks 1]
    for {set i 0} {$i < $times} {incr i} {
        foreach command $::head_commands {
            R 1 {*}[string map [list KEY $key] $command]
        }
        catch {R 1 INCR $key}
        catch {R 1 INCRBYFLOAT $key 1}
    }
    return [expr {[loop_ticks 1] - $before}]
}

start_server {} {
    test "what needs the head alone costs the same for any length" {
        set times 20
        R 1 SET short [string repeat x 1000]
        R 1 SET long [random_bytes 20000000]
        ticks_of_heads short 1
        set short [ticks_of_heads short $times]
        set long [ticks_of_heads long $times]
        note "$times times each command: $short ticks for a short value,\
            $long for one of 20 MB"
        assert {$long <= 10 * $short + 20}
        assert_equal [expr {20000000 + $times}] [R 1 STRLEN long]
    }

    test "a part of a long value is read alone after a restart" {
        set part [R 1 GETRANGE long 10000000 10000099]
        kill_node 1 TERM
        restart_node 1
        wait_for_condition 10000 {![catch {R 1 PING}] && [leader_now] == 1}
        R 1 STRLEN long
        set before [bytes_read 1]
        assert_equal $part [R 1 GETRANGE long 10000000 10000099]
        R 1 SETRANGE long 10000000 $part
        R 1 APPEND long y
        R 1 TTL long
        R 1 EXISTS long
        set read [expr {[bytes_read 1] - $before}]
        assert {$read < 1000000} "$read bytes were read"
    }

    test "the pages of long values are given back by sweeps" {
        R 1 DEL long
        R 1 SET long [random_bytes 3000000]
        R 1 SET long z
        R 1 SET long [random_bytes 3000000] PX 1
        wait_for_condition 10000 {
            [info_of 1 lazyfree_pending_objects] == 0 && [R 1 DBSIZE] == 1}
        R 1 SETRANGE long 60000000 x
        assert_equal 60000001 [R 1 STRLEN long]
        assert_equal [string repeat "\0" 10]x [R 1 GETRANGE long 59999990 -1]
        R 1 UNLINK long
        assert_equal 0 [R 1 EXISTS long]
        wait_for_condition 10000 {[info_of 1 lazyfree_pending_objects] == 0}
    }
}

start_server {} {
    test "short values share no block with long ones" {
        for {set i 0} {$i < 4} {incr i} {
            R 1 SET long$i [random_bytes 8000000]
        }
        for {set i 0} {$i < 1000} {incr i} {R 1 SET short$i $i}
        kill_node 1 TERM
        restart_node 1
        wait_for_condition 10000 {![catch {R 1 PING}] && [leader_now] == 1}
        R 1 GET nosuch
        set before [bytes_read 1]
        for {set i 0} {$i < 1000} {incr i} {assert_equal $i [R 1 GET short$i]}
        set read [expr {[bytes_read 1] - $before}]
        note "1000 short values: $read bytes were read"
        assert {$read < 4000000} "$read bytes were read"
    }
}
