# Streams and consumer groups on three nodes: each command on the leader, on a
# follower, and on a real redis-server; a long stream whose leader ends; and no
# entry twice when consumers of one group are on all nodes.

set table {
    {XADD s 1-1 f v} {$1-1}
    {XADD s 1-1 f v} {-ERR The ID specified in XADD is equal or smaller than the target stream top item}
    {XADD s 2-* f w g x} {$2-0}
    {XADD s NOMKSTREAM MAXLEN = 9 3 f y} {$3-0}
    {XLEN s} :3
    {XRANGE s - + COUNT 1} {[[$1-1 [$f $v]]]}
    {XREVRANGE s + (1-1} {[[$3-0 [$f $y]] [$2-0 [$f $w $g $x]]]}
    {XREAD COUNT 1 STREAMS s none 1 0} {[[$s [[$1-1 [$f $v]]]]]}
    {XREAD STREAMS s $} nil
    {XDEL s 2 9-9} :1
    {XTRIM s MAXLEN 1} :1
    {XSETID s 5-5} +OK
    {XGROUP CREATE s g 0} +OK
    {XGROUP CREATE s g 0} {-BUSYGROUP Consumer Group name already exists}
    {XGROUP CREATECONSUMER s g c} :1
    {XREADGROUP GROUP g c STREAMS s >} {[[$s [[$3-0 [$f $y]]]]]}
    {XPENDING s g} {[:1 $3-0 $3-0 [[$c $1]]]}
    {XCLAIM s g d 0 3-0 JUSTID} {[$3-0]}
    {XAUTOCLAIM s g c 0 0} {[$0-0 [[$3-0 [$f $y]]] []]}
    {XACK s g 3-0 3-0} :1
    {XGROUP SETID s g 0} +OK
    {XGROUP DELCONSUMER s g d} :0
    {XGROUP FOO s} {-ERR unknown subcommand 'FOO'. Try XGROUP HELP.}
    {XGROUP DESTROY s g} :1
    {XINFO GROUPS s} {[]}
    {XINFO CONSUMERS s g} {-NOGROUP No such consumer group 'g' for key name 's'}
    {TYPE s} +stream
    {GET s} {-WRONGTYPE Operation against a key holding the wrong kind of value}
    {DEL s} :1
}

proc run_rows {c} {
    foreach {command expected} $::table {
        assert_equal $expected [$c -typed {*}$command] $command
    }
    assert_equal 17 [llength [$c XGROUP HELP]]
    assert_equal 9 [llength [$c XINFO HELP]]
    $c XADD new 7-7 f v
    assert_equal {length 1} [lrange [$c XINFO STREAM new] 0 1]
    $c DEL new
}

start_cluster 3 {} {
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

    test "XREAD waits for what comes after its IDs, on any node" {
        R $lead XADD s 9-1 f old
        foreach to $cluster::ids {
            set c [waiter $follow XREAD BLOCK 0 STREAMS none news $ $]
            set d [waiter $follow XREAD COUNT 1 BLOCK 60000 STREAMS s 9-1]
            set e [waiter $lead XREAD BLOCK 0 STREAMS news 0-0]
            set f [node_client $follow]
            assert_equal {{s {{9-1 {f old}}}}} \
                [$f XREAD BLOCK 0 STREAMS none s $ 9-0]
            assert_equal 9-2 [R $to XADD s 9-2 f new]
            assert_equal 9-3 [R $to XADD s 9-3 f newer]
            assert_equal 1-1 [R $to XADD news MAXLEN 1 1-1 a 1]
            assert_equal {{news {{1-1 {a 1}}}}} [$c -read]
            assert_equal {{s {{9-2 {f new}}}}} [$d -read]
            assert_equal {{news {{1-1 {a 1}}}}} [$e -read]
            # Nobody takes anything; what was deleted is no news.
            assert_equal 1 [R $to XDEL s 9-3]
            assert_equal nil [$c -typed XREAD BLOCK 10 STREAMS s 9-2]
            assert_equal nil [$c -typed XREAD BLOCK 10 STREAMS s news $ $]
            R $to XDEL s 9-2
            R $to XSETID s 9-1
            R $to DEL news
            foreach connection [list $c $d $e $f] {$connection -close}
        }
        set c [waiter $follow XREAD BLOCK 0 STREAMS news $]
        R $lead SET news string
        R $lead DEL news
        R $lead XADD news MAXLEN 0 1-1 a 1
        R $lead XADD news 1-2 a 2
        assert_equal {{news {{1-2 {a 2}}}}} [$c -read]
        $c -close
        R $lead DEL s news
    }

    test "XREADGROUP waits for what its group has not got" {
        R $lead XGROUP CREATE jobs w $ MKSTREAM
        R $lead XGROUP CREATE jobs v $
        set c [waiter $follow XREADGROUP GROUP w c BLOCK 0 COUNT 1 STREAMS \
            jobs >]
        set d [waiter $follow XREADGROUP GROUP w d BLOCK 0 COUNT 1 STREAMS \
            jobs >]
        set e [waiter $lead XREADGROUP GROUP v e BLOCK 0 STREAMS jobs >]
        R $lead XADD jobs 1-1 n 1
        assert_equal {{jobs {{1-1 {n 1}}}}} [$c -read]
        assert_equal {{jobs {{1-1 {n 1}}}}} [$e -read]
        R $lead XADD jobs 1-2 n 2
        assert_equal {{jobs {{1-2 {n 2}}}}} [$d -read]
        assert_equal 2 [lindex [R $follow XPENDING jobs w] 0]
        # What it has pending is told at once, and so is that there is no group.
        assert_equal {{jobs {{1-1 {n 1}}}}} \
            [$c XREADGROUP GROUP w c BLOCK 0 STREAMS jobs 0]
        catch {$c XREADGROUP GROUP x c BLOCK 0 STREAMS jobs >} error
        assert_match "NOGROUP No such key 'jobs' or consumer group*" $error
        catch {$c XREADGROUP GROUP w c BLOCK 0 STREAMS no >} error
        assert_match "NOGROUP No such key 'no' or consumer group*" $error
        assert_equal {{jobs {}}} \
            [$c XREADGROUP GROUP w x BLOCK 0 STREAMS jobs 5]
        assert_equal nil \
            [$c -typed XREADGROUP GROUP w c BLOCK 10 STREAMS jobs >]
        R $lead DEL jobs
        foreach connection [list $c $d $e] {$connection -close}
    }

    test "the stream goes, or the group, and who waits is told" {
        foreach command {{DEL jobs} {SET jobs string} {RENAME jobs other}
                {EXPIRE jobs -1} {FLUSHALL} {UNLINK jobs}} {
            R $lead DEL jobs
            R $lead XGROUP CREATE jobs w $ MKSTREAM
            set c [waiter $follow XREADGROUP GROUP w c BLOCK 0 STREAMS jobs >]
            R $lead {*}$command
            catch {$c -read} error
            assert_equal "UNBLOCKED the stream key no longer exists" $error
            $c -close
        }
        R $lead XGROUP CREATE jobs w $ MKSTREAM
        set c [waiter $follow XREADGROUP GROUP w c BLOCK 0 STREAMS jobs >]
        R $lead XGROUP DESTROY jobs w
        catch {$c -read} error
        assert_equal "NOGROUP the consumer group this client was blocked on no\
            longer exists" $error
        $c -close
        R $lead DEL jobs other
    }

    test "ids that the servers make grow, whoever makes them" {
        set last 0-0
        for {set i 0} {$i < 30} {incr i} {
            set id [R [lindex $cluster::ids [expr {$i % 3}]] XADD made * f $i]
            lassign [split $last -] ms seq
            lassign [split $id -] ms2 seq2
            assert {$ms2 > $ms || ($ms2 == $ms && $seq2 > $seq)} "$last $id"
            set last $id
        }
        assert_equal 30 [R $follow XLEN made]
        assert_equal $last [lindex [R $lead XREVRANGE made + - COUNT 1] 0 0]
    }

    test "2,000 entries, long ones too" {
        set long [string repeat 0123456789abcdef 4096]
        set c [node_client $follow]
        for {set i 1} {$i <= 2000} {incr i} {
            $c XADD big $i f v$i t [expr {$i % 500 == 0 ? $long : ""}]
        }
        $c -close
        foreach id $cluster::ids {
            assert_equal 2000 [R $id XLEN big]
            assert_equal "{1500-0 {f v1500 t $long}}" \
                [R $id XRANGE big 1500 1500]
        }
        assert_equal 500 [R $lead XTRIM big MAXLEN 1500]
        assert_equal 501-0 [lindex [R $follow XRANGE big - + COUNT 1] 0 0]
    }

    test "consumers on all nodes get each entry once, over the leader's end" {
        R $lead XGROUP CREATE big workers 0
        set got {}
        set turn 0
        set ids $cluster::ids
        while {[llength $got] < 1500 && $turn < 1000} {
            set id [lindex $ids [expr {$turn % [llength $ids]}]]
            set reply [R $id XREADGROUP GROUP workers c$id COUNT 17 STREAMS \
                big >]
            foreach entry [lindex $reply 0 1] {
                lappend got [lindex $entry 0]
                if {$turn % 2} {R $id XACK big workers [lindex $entry 0]}
            }
            if {[incr turn] == 40} {
                kill_node $lead
                set ids [followers $lead]
                set lead_before $lead
                set lead [wait_for_leader $ids]
            }
        }
        assert_equal 1500 [llength $got]
        assert_equal 1500 [llength [lsort -unique $got]]
        restart_node $lead_before
        wait_for_same_state
        set pending [lindex [R $lead_before XPENDING big workers] 0]
        assert {$pending > 0 && $pending < 1500}
        assert_equal $pending [llength [lindex \
            [R $lead_before XAUTOCLAIM big workers last 0 0 COUNT 9999 JUSTID] 1]]
    }

    test "a deletion takes all of it" {
        assert_equal 2 [R $lead_before DEL big made]
        assert_equal 0 [R $lead DBSIZE]
        wait_for_same_state
    }
}
