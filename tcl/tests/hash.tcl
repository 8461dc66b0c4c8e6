# Hashes on three nodes: each command on the leader, on a follower, and on a real
# redis-server; large ones, while nodes end and come back.

set table {
    {HSET h a 1 b 2} :2
    {HSET h a 3 c 4} :1
    {HSET h a} {-ERR wrong number of arguments for 'hset' command}
    {HSET h a 1 b} {-ERR wrong number of arguments for 'hset' command}
    {HMSET h d 5} +OK
    {HGET h a} {$3}
    {HGET h none} nil
    {HMGET h a none b} {[$3 nil $2]}
    {HGETALL h} {[$a $3 $b $2 $c $4 $d $5]}
    {HKEYS h} {[$a $b $c $d]}
    {HVALS h} {[$3 $2 $4 $5]}
    {HLEN h} :4
    {HEXISTS h a} :1
    {HEXISTS h none} :0
    {HSTRLEN h a} :1
    {HSETNX h a x} :0
    {HSETNX h e x} :1
    {HDEL h e none} :1
    {HINCRBY h a 4} :7
    {HINCRBY h a x} {-ERR value is not an integer or out of range}
    {HINCRBYFLOAT h a 0.5} {$7.5}
    {HINCRBY h a 1} {-ERR hash value is not an integer}
    {HSCAN h 0 MATCH b} {[$0 [$b $2]]}
    {HSCAN h x} {-ERR invalid cursor}
    {HDEL h a b c} :3
    {HRANDFIELD h} {$d}
    {HRANDFIELD h -2 WITHVALUES} {[$d $5 $d $5]}
    {HRANDFIELD none 3} {[]}
    {TYPE h} +hash
    {GET h} {-WRONGTYPE Operation against a key holding the wrong kind of value}
    {SET s v} +OK
    {HSET s a b} {-WRONGTYPE Operation against a key holding the wrong kind of value}
    {HDEL h d} :1
    {EXISTS h} :0
    {FLUSHALL} +OK
}

proc run_rows {c} {
    foreach {command expected} $::table {
        assert_equal $expected [$c -typed {*}$command] $command
    }
}

# All fields by HSCAN, each call through another node: their names, sorted.
proc scan_all {key} {
    set cursor 0
    set found {}
    for {set call 0} {$call < 2000} {incr call} {
        set ids [cluster_up]
        set id [lindex $ids [expr {$call % [llength $ids]}]]
        lassign [R $id HSCAN $key $cursor COUNT 100] cursor part
        foreach {field value} $part {
            assert_equal v$field $value
            lappend found $field
        }
        if {$cursor == 0} {return [lsort $found]}
    }
    error "HSCAN does not come to an end"
}

proc cluster_up {} {
    set up {}
    foreach id $::cluster::ids {
        if {![dict exists $::down $id]} {lappend up $id}
    }
    return $up
}

start_cluster 3 {} {
    set down {}
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    test "a real redis-server gives these replies too" {
        set port [free_port]
        set pid [start_process $::env(VARD_TEST_DIR)/redis.log redis-server \
            --port $port --save "" --bind 127.0.0.1 \
            --dir $::env(VARD_TEST_DIR)]
        wait_for_condition 5000 {![catch {resp::connect 127.0.0.1 $port} c]}
        run_rows $c
        $c -close
        signal_process $pid TERM
        wait_process_end $pid 5000
    }

    foreach {where id} [list "the leader" $lead "a follower" $follow] {
        test "each command on $where" {
            set c [node_client $id]
            run_rows $c
            $c -close
        }
    }

    test "5,000 fields set through all nodes are read through each" {
        set expected {}
        for {set i 0} {$i < 5000} {incr i 50} {
            set pairs {}
            for {set k $i} {$k < $i + 50} {incr k} {
                lappend pairs f$k vf$k
                lappend expected f$k
            }
            set to [lindex $cluster::ids [expr {$i / 50 % 3}]]
            assert_equal 50 [R $to HSET big {*}$pairs]
        }
        set expected [lsort $expected]
        foreach id $cluster::ids {
            assert_equal 5000 [R $id HLEN big]
            assert_equal $expected [lsort [R $id HKEYS big]]
            assert_equal vf4321 [R $id HGET big f4321]
        }
        assert_equal $expected [scan_all big]
    }

    test "a value of a megabyte in a field" {
        set value [string repeat 0123456789abcdef 65536]
        R $follow HSET long short 1 text $value
        foreach id $cluster::ids {
            assert_equal 1048576 [R $id HSTRLEN long text]
            assert_equal $value [R $id HGET long text]
        }
        R $lead HSET long text short
        assert_equal {short 1 text short} [R $follow HGETALL long]
    }

    test "a scan goes on when the leader has ended" {
        lassign [R $lead HSCAN big 0 COUNT 1000] cursor part
        set found [dict keys $part]
        kill_node $lead
        dict set down $lead 1
        set lead_before $lead
        set lead [wait_for_leader [cluster_up]]
        while {$cursor != 0} {
            lassign [R $lead HSCAN big $cursor COUNT 1000] cursor part
            lappend found {*}[dict keys $part]
        }
        assert_equal $expected [lsort $found]
    }

    test "who was away has what was changed meanwhile" {
        for {set i 0} {$i < 5000} {incr i 2} {R $lead HDEL big f$i}
        R $lead HSET big new vnew
        restart_node $lead_before
        set down {}
        wait_for_same_state
        assert_equal 2501 [R $lead_before HLEN big]
        assert_equal 2501 [llength [scan_all big]]
    }

    test "a deletion takes all of it" {
        assert_equal 2 [R $follow DEL big long]
        assert_equal {} [R $lead HGETALL big]
        assert_equal 0 [R $lead DBSIZE]
        wait_for_same_state
    }
}
