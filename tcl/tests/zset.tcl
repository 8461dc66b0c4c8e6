# Sorted sets and places on three nodes: each command on the leader, on a follower, and on a
# real redis-server; large ones, while nodes end and come back.

set wrong_type "-WRONGTYPE Operation against a key holding the wrong kind of value"
set table [string map [list WRONG [list $wrong_type]] {
    {ZADD z 1 a 2 b 3 c} :3
    {ZADD z CH 5 a 9 d} :2
    {ZADD z INCR 1 a} {$6}
    {ZADD z NX INCR 1 a} nil
    {ZADD z NX XX 1 a} {-ERR XX and NX options at the same time are not compatible}
    {ZADD z 1 a nan b} {-ERR value is not a valid float}
    {ZINCRBY z 0.5 b} {$2.5}
    {ZCARD z} :4
    {ZSCORE z b} {$2.5}
    {ZMSCORE z b none} {[$2.5 nil]}
    {ZRANK z a} :2
    {ZREVRANK z a} :1
    {ZRANK z none} nil
    {ZCOUNT z (2.5 +inf} :3
    {ZRANGE z 0 -1 WITHSCORES} {[$b $2.5 $c $3 $a $6 $d $9]}
    {ZRANGE z (3 inf BYSCORE LIMIT 1 1} {[$d]}
    {ZREVRANGE z 0 0} {[$d]}
    {ZRANGEBYSCORE z 3 6} {[$c $a]}
    {ZREVRANGEBYSCORE z 6 3} {[$a $c]}
    {ZADD w 0 a 0 b 0 c} :3
    {ZRANGEBYLEX w [b +} {[$b $c]}
    {ZREVRANGEBYLEX w (c -} {[$b $a]}
    {ZLEXCOUNT w - +} :3
    {ZREMRANGEBYLEX w [c +} :1
    {ZUNION 2 z w WITHSCORES} {[$b $2.5 $c $3 $a $6 $d $9]}
    {ZINTER 2 z w WEIGHTS 2 1} {[$b $a]}
    {ZDIFF 2 z w} {[$c $d]}
    {ZINTERCARD 2 z w} :2
    {ZUNIONSTORE u 2 z w AGGREGATE MIN} :4
    {ZRANGE u 0 0 WITHSCORES} {[$a $0]}
    {ZINTERSTORE u 2 z none} :0
    {EXISTS u} :0
    {ZDIFFSTORE u 2 z w} :2
    {ZRANGESTORE u z 0 1} :2
    {ZSCAN u 0 MATCH c} {[$0 [$c $3]]}
    {ZSCAN u x} {-ERR invalid cursor}
    {ZREMRANGEBYRANK u 0 0} :1
    {ZREMRANGEBYSCORE u 3 3} :1
    {ZRANDMEMBER u} nil
    {ZADD one 1 b} :1
    {ZRANDMEMBER one -2} {[$b $b]}
    {ZREM z none d} :1
    {ZPOPMIN z} {[$b $2.5]}
    {ZPOPMAX z 1} {[$a $6]}
    {ZMPOP 2 none z MIN COUNT 5} {[$z [[$c $3]]]}
    {ZMPOP 1 z MAX} nil
    {GEOADD p 13.361389 38.115556 a 15.087269 37.502669 b} :2
    {GEOADD p 181 0 c} {-ERR invalid longitude,latitude pair 181.000000,0.000000}
    {GEODIST p a b km} {$166.2742}
    {GEOHASH p a none} {[$sqc8b49rny0 nil]}
    {GEOPOS p b none} {[[$15.08726745843887329 $37.50266842333162032] nil]}
    {GEORADIUS p 15 37 200 km WITHDIST ASC} {[[$b $56.4413] [$a $190.4424]]}
    {GEORADIUS_RO p 15 37 100 km} {[$b]}
    {GEORADIUSBYMEMBER p a 200 km STORE q} :2
    {GEORADIUSBYMEMBER_RO p a 100 km} {[$a]}
    {GEOSEARCH p FROMMEMBER a BYBOX 400 400 km DESC} {[$b $a]}
    {GEOSEARCHSTORE q p FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST} :1
    {ZCARD q} :1
    {TYPE w} +zset
    {GET w} WRONG
    {SET s v} +OK
    {ZADD s 1 a} WRONG
    {ZUNION 2 w s} WRONG
    {FLUSHALL} +OK
}]
proc run_rows {c} {
    foreach {command expected} $::table {
        assert_equal $expected [$c -typed {*}$command] $command
    }
}

proc cluster_up {} {
    set up {}
    foreach id $::cluster::ids {
        if {![dict exists $::down $id]} {lappend up $id}
    }
    return $up
}

# All members by ZSCAN, each call through another node, sorted.
proc scan_all {key} {
    set cursor 0
    set found {}
    for {set call 0} {$call < 2000} {incr call} {
        set ids [cluster_up]
        set id [lindex $ids [expr {$call % [llength $ids]}]]
        lassign [R $id ZSCAN $key $cursor COUNT 100] cursor part
        foreach {member score} $part {
            assert_equal m$score $member
            lappend found $member
        }
        if {$cursor == 0} {return [lsort $found]}
    }
    error "ZSCAN does not come to an end"
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

    test "who waits for members is served by any node" {
        foreach to $cluster::ids {
            set c [waiter $follow BZPOPMIN none queue 0]
            set d [waiter $follow BZPOPMAX queue 0]
            set e [waiter $lead BZMPOP 0 1 other MIN COUNT 9]
            assert_equal 2 [R $to ZADD queue 1 a 2 b]
            assert_equal 2 [R $to ZADD source 3 c 4 d]
            assert_equal OK [R $to RENAME source other]
            assert_equal {queue a 1} [$c -read]
            assert_equal {queue b 2} [$d -read]
            assert_equal {other {{c 3} {d 4}}} [$e -read]
            assert_equal 0 [R $to EXISTS queue other]
            foreach connection [list $c $d $e] {$connection -close}
        }
        set c [node_client $follow]
        assert_equal nil [$c -typed BZPOPMIN queue 0.01]
        assert_equal nil [$c -typed BZMPOP 0.01 1 queue MAX]
        $c -close
    }

    test "5,000 members added through all nodes are read through each" {
        set expected {}
        for {set i 0} {$i < 5000} {incr i 50} {
            set pairs {}
            for {set k $i} {$k < $i + 50} {incr k} {
                set n [expr {$k * 7 % 5000}]
                lappend pairs $n m$n
                lappend expected m$n
            }
            set to [lindex $cluster::ids [expr {$i / 50 % 3}]]
            assert_equal 50 [R $to ZADD big {*}$pairs]
        }
        set expected [lsort $expected]
        foreach id $cluster::ids {
            assert_equal 5000 [R $id ZCARD big]
            assert_equal $expected [lsort [R $id ZRANGE big 0 -1]]
            assert_equal 4321 [R $id ZRANK big m4321]
            assert_equal {m17 m18} [R $id ZRANGE big 17 18]
            assert_equal 1001 [R $id ZCOUNT big 2000 3000]
        }
        assert_equal $expected [scan_all big]
    }

    test "a scan goes on when the leader has ended" {
        lassign [R $lead ZSCAN big 0 COUNT 1000] cursor part
        set found [dict keys $part]
        kill_node $lead
        dict set down $lead 1
        set lead_before $lead
        set lead [wait_for_leader [cluster_up]]
        while {$cursor != 0} {
            lassign [R $lead ZSCAN big $cursor COUNT 1000] cursor part
            lappend found {*}[dict keys $part]
        }
        assert_equal $expected [lsort $found]
    }

    test "who was away has what was changed meanwhile" {
        assert_equal 2000 [R $lead ZREMRANGEBYRANK big 1000 2999]
        assert_equal 3000 [R $lead ZUNIONSTORE copy 1 big WEIGHTS 1]
        assert_equal {m4999 4999} [R $lead ZPOPMAX big]
        restart_node $lead_before
        set down {}
        wait_for_same_state
        assert_equal 2999 [R $lead_before ZCARD big]
        assert_equal 2999 [llength [scan_all big]]
        assert_equal 1500 [R $lead_before ZRANK big m3500]
    }

    test "a deletion takes all of it" {
        assert_equal 2 [R $follow DEL big copy]
        assert_equal {} [R $lead ZRANGE big 0 -1]
        assert_equal 0 [R $lead DBSIZE]
        wait_for_same_state
    }
}
