-- How tables run, in Murphi: what include/skerry/protocol.h says of hosts and steps, written down a second time.
--
-- "skerry export" puts a protocol's constants, its learnt actions and its clients where a line says so. Nothing here is
-- symmetric on purpose (subranges, no scalarsets), so the number of states is that of the whole state space.
--
-- A reference is a number: kind * NODES + node. Kinds: nobody, a client, a slot, the same slot once it was given back
-- (stale), any free slot of a machine, the slot that stands for the message's name, a name.
-- A list is kept sorted, since its order is no state; so are parked messages, by the slot in which they wait.
-- @constants

type
  node_t: 0..NODES - 1;
  client_t: 0..CLIENTS - 1;
  slot_t: 0..SLOTS - 1;
  place_t: 0..SLOTS; -- SLOTS: no slot
  machine_t: 0..MACHINES;
  kind_t: 0..KINDS - 1;
  ref_t: 0..KINDS * NODES - 1;
  event_t: 0..EVENTS - 1;
  state_t: 0..STATES - 1;
  cell_t: 0..CELLS;
  word_t: 0..WORDS - 1;
  link_t: 0..LINKS - 1;
  msg_t: record
    event: event_t;
    dest, src, arg: ref_t;
    word: word_t;
  end;
  member_t: record
    ref: ref_t;
    told: boolean;
  end;
  list_t: record
    count: 0..LINKS;
    fan: event_t;
    link: array [link_t] of member_t;
  end;
  slot_r: record
    state: state_t;
    pending: 0..PENDING_TIMER;
    name: ref_t;
    ref: array [0..REFS - 1] of ref_t;
    word: array [0..WORD_FIELDS - 1] of word_t;
    list: array [0..LISTS - 1] of list_t;
  end;

var
  at: array [node_t] of array [slot_t] of slot_r;
  channel: array [node_t] of array [node_t] of record
    count: 0..ROOM;
    msg: array [0..ROOM - 1] of msg_t;
  end;
  park: array [node_t] of record
    count: 0..PARKS;
    at: array [0..PARKS - 1] of record
      holder: place_t; -- SLOTS: a machine that is no more
      msg: msg_t;
    end;
  end;
  flight: array [node_t] of array [client_t] of msg_t; -- event 0: none
  -- Of the step that runs; empty between steps. What the cell that runs tells waits in `out` until it has run: Rumur copies
  -- what is called into every place that calls it, so what actions call is small.
  raised: array [0..RAISED - 1] of msg_t;
  raised_head, raised_tail: 0..RAISED;
  out_event: array [0..RAISED - 1] of event_t;
  out_dest, out_src, out_arg: array [0..RAISED - 1] of ref_t;
  out_word: array [0..RAISED - 1] of word_t;
  outs: 0..RAISED;
  handling: 0..4;
  sent: 0..255;

-- ---- references ----

function node_of(r: ref_t): node_t; begin return r % NODES; end;
function kind_of(r: ref_t): kind_t; begin return r / NODES; end;
function ref(n: node_t; kind: kind_t): ref_t; begin return kind * NODES + n; end;
function slot_ref(n: node_t; s: slot_t): ref_t; begin return (K_SLOT + s) * NODES + n; end;
function is_slot(r: ref_t): boolean; begin return kind_of(r) >= K_SLOT & kind_of(r) < K_SLOT + SLOTS; end;
function is_stale(r: ref_t): boolean; begin return kind_of(r) >= K_STALE & kind_of(r) < K_STALE + SLOTS; end;
function is_new(r: ref_t): boolean; begin return kind_of(r) >= K_NEW & kind_of(r) < K_NEW + MACHINES; end;
function is_named(r: ref_t): boolean; begin return kind_of(r) >= K_NAMED & kind_of(r) < K_NAMED + MACHINES; end;
function is_client(r: ref_t): boolean; begin return kind_of(r) >= K_CLIENT & kind_of(r) < K_CLIENT + CLIENTS; end;

function machine_of(r: ref_t): machine_t;
begin
  if is_slot(r) then return slot_machine(kind_of(r) - K_SLOT); end;
  if is_stale(r) then return slot_machine(kind_of(r) - K_STALE); end;
  if is_new(r) then return kind_of(r) - K_NEW + 1; end;
  if is_named(r) then return kind_of(r) - K_NAMED + 1; end;
  return 0;
end;

-- The machine that r names is there and is that one.
function is_live(r: ref_t): boolean;
begin
  return is_slot(r) & at[node_of(r)][kind_of(r) - K_SLOT].state != 0;
end;

-- The slot of a machine that stands for a name, or SLOTS.
function slot_for(n: node_t; machine: machine_t; name: ref_t): place_t;
begin
  for s: slot_t do
    if slot_machine(s) = machine & at[n][s].state != 0 & at[n][s].name = name then return s; end;
  end;
  return SLOTS;
end;

function free_slot(n: node_t; machine: machine_t): place_t;
begin
  for s: slot_t do
    if slot_machine(s) = machine & at[n][s].state = 0 then return s; end;
  end;
  return SLOTS;
end;

-- ---- clients ----
-- @model

-- ---- effects ----

procedure tell(n: node_t; dest: ref_t; event: event_t; src, arg: ref_t; word: word_t);
begin
  out_event[outs] := event;
  out_dest[outs] := dest;
  out_src[outs] := src;
  out_arg[outs] := arg;
  out_word[outs] := word;
  outs := outs + 1;
end;

procedure complete(n: node_t; client: ref_t; result: word_t; arg: ref_t);
var call: msg_t; c: client_t;
begin
  if !is_client(client) | node_of(client) != n then error "completes a call of nobody"; end;
  c := kind_of(client) - K_CLIENT;
  if flight[n][c].event = 0 then error "completes a call that is not under way"; end;
  call := flight[n][c];
  completed(n, call, result, arg);
  clear flight[n][c];
end;

procedure begin_local(n: node_t; s: slot_t; call: 0..PENDING_TIMER);
begin
  if at[n][s].pending != 0 then error "a machine has two local calls or timers under way"; end;
  at[n][s].pending := call;
end;

procedure list_sort(n: node_t; s: slot_t; l: 0..LISTS - 1);
var m: member_t;
begin
  for round: link_t do
    for i: link_t do
      if i > 0 & i < at[n][s].list[l].count & (at[n][s].list[l].link[i].ref < at[n][s].list[l].link[i - 1].ref |
         (at[n][s].list[l].link[i].ref = at[n][s].list[l].link[i - 1].ref &
          at[n][s].list[l].link[i].told & !at[n][s].list[l].link[i - 1].told)) then
        m := at[n][s].list[l].link[i];
        at[n][s].list[l].link[i] := at[n][s].list[l].link[i - 1];
        at[n][s].list[l].link[i - 1] := m;
      end;
    end;
  end;
end;

function list_find(n: node_t; s: slot_t; l: 0..LISTS - 1; r: ref_t): 0..LINKS;
begin
  for i: link_t do
    if i < at[n][s].list[l].count & at[n][s].list[l].link[i].ref = r then return i; end;
  end;
  return LINKS;
end;

procedure list_add(n: node_t; s: slot_t; l: 0..LISTS - 1; r: ref_t);
begin
  if at[n][s].list[l].count = LINKS then error "the link pool is exhausted"; end;
  at[n][s].list[l].link[at[n][s].list[l].count].ref := r;
  at[n][s].list[l].link[at[n][s].list[l].count].told := false;
  at[n][s].list[l].count := at[n][s].list[l].count + 1;
  list_sort(n, s, l);
end;

procedure list_add_once(n: node_t; s: slot_t; l: 0..LISTS - 1; r: ref_t);
begin
  if list_find(n, s, l, r) = LINKS then list_add(n, s, l, r); end;
end;

procedure list_add_others(n: node_t; s: slot_t; l: 0..LISTS - 1; machine: machine_t);
begin
  for b: node_t do
    if b != n then list_add(n, s, l, slot_ref(b, first_slot(machine))); end;
  end;
end;

procedure list_cut(n: node_t; s: slot_t; l: 0..LISTS - 1; i: link_t);
begin
  for k: link_t do
    if k >= i & k + 1 < at[n][s].list[l].count then at[n][s].list[l].link[k] := at[n][s].list[l].link[k + 1]; end;
  end;
  at[n][s].list[l].count := at[n][s].list[l].count - 1;
  clear at[n][s].list[l].link[at[n][s].list[l].count];
end;

procedure list_settle(n: node_t; s: slot_t; l: 0..LISTS - 1);
begin
  if at[n][s].list[l].count = 0 then
    tell(n, slot_ref(n, s), e_EMPTY, slot_ref(n, s), NOBODY, 0);
  end;
end;

procedure list_remove(n: node_t; s: slot_t; l: 0..LISTS - 1; r: ref_t);
begin
  if list_find(n, s, l, r) = LINKS then error "removes what is not a member"; end;
  list_cut(n, s, l, list_find(n, s, l, r));
  list_settle(n, s, l);
end;

procedure list_remove_if(n: node_t; s: slot_t; l: 0..LISTS - 1; r: ref_t);
begin
  if list_find(n, s, l, r) != LINKS then list_cut(n, s, l, list_find(n, s, l, r)); end;
end;

procedure list_replace(n: node_t; s: slot_t; l: 0..LISTS - 1; old, fresh: ref_t);
begin
  if list_find(n, s, l, old) = LINKS then error "replaces what is not a member"; end;
  at[n][s].list[l].link[list_find(n, s, l, old)].ref := fresh;
  list_sort(n, s, l);
end;

procedure list_fanout(n: node_t; s: slot_t; l: 0..LISTS - 1; event: event_t);
begin
  at[n][s].list[l].fan := event;
  list_settle(n, s, l);
end;

procedure list_wake(n: node_t; s: slot_t; l: 0..LISTS - 1; event: event_t);
begin
  while at[n][s].list[l].count != 0 do
    tell(n, at[n][s].list[l].link[0].ref, event, slot_ref(n, s), NOBODY, 0);
    list_cut(n, s, l, 0);
  end;
end;

-- ---- actions and tables, from the code ----
-- @actions

-- ---- what was told goes into the queue of raised events, or into a channel ----

procedure raise(m: msg_t);
begin
  if raised_tail = RAISED then error "a step raises too many events"; end;
  raised[raised_tail] := m;
  raised_tail := raised_tail + 1;
end;

procedure send(n, b: node_t; m: msg_t);
begin
  if channel[n][b].count = CREDIT then error "a channel needs more than its credit"; end;
  if channel[n][b].count = ROOM then error "a channel needs more room than this text gives it"; end;
  if class_of(m.event) < handling then error "sends a message of a lower class than it handles"; end;
  channel[n][b].msg[channel[n][b].count] := m;
  channel[n][b].count := channel[n][b].count + 1;
  sent := sent + 1;
end;

procedure flush(n: node_t);
var m: msg_t;
begin
  for i := 0 to RAISED - 1 do
    if i < outs then
      m.event := out_event[i];
      m.dest := out_dest[i];
      m.src := out_src[i];
      m.arg := out_arg[i];
      m.word := out_word[i];
      if node_of(m.dest) = n then raise(m); else send(n, node_of(m.dest), m); end;
    end;
  end;
  clear out_event;
  clear out_dest;
  clear out_src;
  clear out_arg;
  clear out_word;
  outs := 0;
end;

-- ---- slots, and references to slots that are given back ----

function faded(r, gone: ref_t): ref_t;
begin
  if r = gone then return r + (K_STALE - K_SLOT) * NODES; end;
  return r;
end;

procedure fade_slots(gone: ref_t);
var changed: boolean;
begin
  for n: node_t do for s: slot_t do
    if at[n][s].state != 0 then
      at[n][s].name := faded(at[n][s].name, gone);
      for i := 0 to REFS - 1 do at[n][s].ref[i] := faded(at[n][s].ref[i], gone); end;
      for l := 0 to LISTS - 1 do
        changed := false;
        for i: link_t do
          if i < at[n][s].list[l].count & at[n][s].list[l].link[i].ref = gone then
            at[n][s].list[l].link[i].ref := faded(gone, gone);
            changed := true;
          end;
        end;
        if changed then list_sort(n, s, l); end;
      end;
    end;
  end; end;
end;

procedure fade_messages(gone: ref_t);
begin
  for n: node_t do
    for b: node_t do
      for i := 0 to ROOM - 1 do
        if i < channel[n][b].count then
          channel[n][b].msg[i].dest := faded(channel[n][b].msg[i].dest, gone);
          channel[n][b].msg[i].src := faded(channel[n][b].msg[i].src, gone);
          channel[n][b].msg[i].arg := faded(channel[n][b].msg[i].arg, gone);
        end;
      end;
    end;
    for i := 0 to PARKS - 1 do
      if i < park[n].count then
        park[n].at[i].msg.dest := faded(park[n].at[i].msg.dest, gone);
        park[n].at[i].msg.src := faded(park[n].at[i].msg.src, gone);
        park[n].at[i].msg.arg := faded(park[n].at[i].msg.arg, gone);
      end;
    end;
    for c: client_t do
      flight[n][c].dest := faded(flight[n][c].dest, gone);
      flight[n][c].arg := faded(flight[n][c].arg, gone);
    end;
  end;
  for i := 0 to RAISED - 1 do
    if i >= raised_head & i < raised_tail then
      raised[i].dest := faded(raised[i].dest, gone);
      raised[i].src := faded(raised[i].src, gone);
      raised[i].arg := faded(raised[i].arg, gone);
    end;
  end;
end;

procedure park_insert(n: node_t; holder: place_t; m: msg_t);
var i: 0..PARKS;
begin
  i := park[n].count;
  while i > 0 & park[n].at[i - 1].holder > holder do
    park[n].at[i] := park[n].at[i - 1];
    i := i - 1;
  end;
  park[n].at[i].holder := holder;
  park[n].at[i].msg := m;
  park[n].count := park[n].count + 1;
end;

procedure park_cut(n: node_t; i: 0..PARKS - 1);
begin
  for k := 0 to PARKS - 1 do
    if k >= i & k + 1 < park[n].count then park[n].at[k] := park[n].at[k + 1]; end;
  end;
  park[n].count := park[n].count - 1;
  clear park[n].at[park[n].count];
end;

-- The first message that is parked in a slot (SLOTS: in one that is no more), or PARKS.
function park_first(n: node_t; holder: place_t): 0..PARKS;
begin
  for i := 0 to PARKS - 1 do
    if i < park[n].count & park[n].at[i].holder = holder then return i; end;
  end;
  return PARKS;
end;

procedure slot_give(n: node_t; s: slot_t);
var m: msg_t; i: 0..PARKS;
begin
  if at[n][s].pending != 0 then error "a machine goes while a local call or a timer is under way"; end;
  clear at[n][s];
  fade_slots(slot_ref(n, s));
  fade_messages(slot_ref(n, s));
  i := park_first(n, s);
  while i != PARKS do
    m := park[n].at[i].msg;
    park_cut(n, i);
    park_insert(n, SLOTS, m);
    i := park_first(n, s);
  end;
end;

-- ---- one cell ----

-- The slot that a message is for, taken or still to be taken, or SLOTS.
function target(n: node_t; dest, arg: ref_t): place_t;
var s: place_t;
begin
  if is_slot(dest) then return kind_of(dest) - K_SLOT; end;
  if is_stale(dest) then return SLOTS; end;
  if is_named(dest) then
    s := slot_for(n, machine_of(dest), arg);
    if s != SLOTS then return s; end;
  end;
  return free_slot(n, machine_of(dest));
end;

function target_state(n: node_t; dest: ref_t; s: place_t): state_t;
begin
  if s != SLOTS then return at[n][s].state; end;
  if is_stale(dest) then return 0; end;
  return full_state(machine_of(dest));
end;

procedure stall(n: node_t; s: place_t; me: ref_t; m: msg_t);
begin
  if s != SLOTS & at[n][s].state != 0 & park[n].count < PARKS then
    park_insert(n, s, m);
  elsif class_of(m.event) = CLASS_CALL then
    error "a client's call finds no place to wait";
  else
    tell(n, m.src, e_NACK, me, m.arg, m.event);
  end;
end;

procedure run_cell(n: node_t; m: msg_t);
var machine: machine_t; s: place_t; state: state_t; cell: cell_t; me: ref_t; fresh, alive: boolean;
begin
  machine := machine_of(m.dest);
  if machine = 0 | node_of(m.dest) != n then error "tells a machine that does not exist"; end;
  if is_named(m.dest) & !is_machine_named(machine) then error "tells a machine that has no names by name"; end;
  s := target(n, m.dest, m.arg);
  state := target_state(n, m.dest, s);
  fresh := s != SLOTS & state = 0 & !is_slot(m.dest);
  me := m.dest;
  if s != SLOTS then
    me := slot_ref(n, s);
  elsif is_stale(m.dest) then
    me := m.dest - (K_STALE - K_SLOT) * NODES;
  end;
  cell := cell_of(machine, state, m.event);
  if cell = 0 then error "reaches a NEVER cell"; end;
  sent := 0;
  if cell_stalls(cell) then
    stall(n, s, me, m);
    flush(n);
  else
    alive := s != SLOTS & (state != 0 | (fresh & cell_next(cell) != 0));
    if alive then
      if fresh & is_named(m.dest) then at[n][s].name := m.arg; end;
      if m.event = e_LOCAL_OK | m.event = e_LOCAL_ERR | m.event = e_TIMER then at[n][s].pending := 0; end;
      at[n][s].state := cell_next(cell);
    else
      if cell_next(cell) != state then error "a cell of a free or full row makes a machine where there is no slot"; end;
      s := SLOTS;
    end;
    act(cell, n, s, me, m);
    flush(n);
    if alive & cell_next(cell) = 0 then slot_give(n, s); end;
    if sent > cell_sends(cell) then error "sends more than its cell declares"; end;
  end;
end;

-- Runs what was raised, and all that it raises.
procedure step_run(n: node_t);
var m: msg_t;
begin
  while raised_head != raised_tail do
    m := raised[raised_head];
    raised_head := raised_head + 1;
    run_cell(n, m);
  end;
  clear raised;
  clear raised_head;
  clear raised_tail;
  clear handling;
  clear sent;
end;

-- The message that a step delivers.
procedure begin_step(m: msg_t);
begin
  handling := class_of(m.event);
  raise(m);
end;

procedure begin_own(n: node_t; s: slot_t; event: event_t);
var m: msg_t;
begin
  clear m;
  m.event := event;
  m.dest := slot_ref(n, s);
  begin_step(m);
end;

-- ---- what can happen ----

function has_credit(n: node_t): boolean;
begin
  return forall b: node_t do channel[n][b].count + STEP_CREDIT <= CREDIT end;
end;

function may_tell(n: node_t; s: slot_t; l: 0..LISTS - 1; i: link_t): boolean;
begin
  return at[n][s].list[l].fan != 0 & i < at[n][s].list[l].count & !at[n][s].list[l].link[i].told & has_credit(n);
end;

function may_resume(n: node_t; s: place_t): boolean;
var i: 0..PARKS;
begin
  i := park_first(n, s);
  if i = PARKS then return false; end;
  if !has_credit(n) then return false; end;
  if s = SLOTS then return true; end;
  return at[n][s].state != 0 & !cell_stalls(cell_of(slot_machine(s), at[n][s].state, park[n].at[i].msg.event));
end;

function may_answer(n: node_t; s: slot_t): boolean;
begin
  return at[n][s].pending != 0 & at[n][s].pending != PENDING_TIMER & has_credit(n);
end;

function under_way(): 0..255;
var sum: 0..255;
begin
  sum := 0;
  for n: node_t do for c: client_t do if flight[n][c].event != 0 then sum := sum + 1; end; end; end;
  return sum;
end;

function may_call(n: node_t; c: client_t; event: event_t; dest, arg: ref_t): boolean;
var s: place_t; cell: cell_t;
begin
  if flight[n][c].event != 0 | under_way() >= FLIGHT | !has_credit(n) then return false; end;
  s := target(n, dest, arg);
  cell := cell_of(machine_of(dest), target_state(n, dest, s), event);
  return cell = 0 | !cell_stalls(cell) | park[n].count < PARKS;
end;

procedure call(n: node_t; c: client_t; event: event_t; dest, arg: ref_t; word: word_t);
var m: msg_t;
begin
  m.event := event;
  m.dest := dest;
  m.src := ref(n, K_CLIENT + c);
  m.arg := arg;
  m.word := word;
  flight[n][c] := m;
  begin_step(m);
  step_run(n);
end;

-- All that can happen but a new call has a number. Of a slot: 0: what is parked goes on; 1, 2: the local kernel says yes,
-- says no; 3: the timer fires; then: that member of that list is told. Of no slot (SLOTS): also what is parked; and,
-- after those, the first message from that node is received.
function may_move(n: node_t; s: place_t; move: 0..MOVES - 1): boolean;
begin
  if move >= 4 + LISTS * LINKS then
    return s = SLOTS & channel[move - 4 - LISTS * LINKS][n].count > 0 & has_credit(n);
  end;
  if move = 0 then return may_resume(n, s); end;
  if s = SLOTS then return false; end;
  if move = 3 then return at[n][s].pending = PENDING_TIMER & has_credit(n); end;
  if move < 3 then return may_answer(n, s) & (move = 1 | LOCAL_ERRORS = 1); end;
  return may_tell(n, s, (move - 4) / LINKS, (move - 4) % LINKS);
end;

procedure begin_receive(n, from_: node_t);
var m: msg_t;
begin
  m := channel[from_][n].msg[0];
  for i := 0 to ROOM - 1 do
    if i + 1 < channel[from_][n].count then channel[from_][n].msg[i] := channel[from_][n].msg[i + 1]; end;
  end;
  channel[from_][n].count := channel[from_][n].count - 1;
  clear channel[from_][n].msg[channel[from_][n].count];
  begin_step(m);
end;

procedure begin_resume(n: node_t; s: place_t);
var m: msg_t; i: 0..PARKS;
begin
  i := park_first(n, s);
  m := park[n].at[i].msg;
  park_cut(n, i);
  begin_step(m);
end;

procedure begin_fan(n: node_t; s: slot_t; l: 0..LISTS - 1; i: link_t);
var member: ref_t; fan: event_t;
begin
  member := at[n][s].list[l].link[i].ref;
  fan := at[n][s].list[l].fan;
  at[n][s].list[l].link[i].told := true;
  list_sort(n, s, l);
  tell(n, member, fan, slot_ref(n, s), fan_arg(n, s), fan_word(n, s, fan));
  flush(n);
end;

ruleset n: node_t; s: place_t; move: 0..MOVES - 1 do
  rule "step" may_move(n, s, move) ==>
  begin
    if move = 0 then
      begin_resume(n, s);
    elsif move >= 4 + LISTS * LINKS then
      begin_receive(n, move - 4 - LISTS * LINKS);
    elsif move = 1 then
      begin_own(n, s, e_LOCAL_OK);
    elsif move = 2 then
      begin_own(n, s, e_LOCAL_ERR);
    elsif move = 3 then
      begin_own(n, s, e_TIMER);
    else
      begin_fan(n, s, (move - 4) / LINKS, (move - 4) % LINKS);
    end;
    step_run(n);
  end;
end;

startstate
begin
  clear at;
  clear channel;
  clear park;
  clear flight;
  clear raised;
  clear raised_head;
  clear raised_tail;
  clear handling;
  clear sent;
  clear out_event;
  clear out_dest;
  clear out_src;
  clear out_arg;
  clear out_word;
  clear outs;
  begin_model();
end;

-- ---- what must hold ----

-- Something that is not a new call can happen.
function busy(): boolean;
begin
  return (exists n: node_t do exists b: node_t do channel[b][n].count > 0 & has_credit(n) end end) |
    (exists n: node_t do exists s: place_t do exists move: 0..MOVES - 1 do may_move(n, s, move) end end end);
end;

-- A machine at rest names the client: its call waits for other clients.
function waits(client: ref_t): boolean;
begin
  return exists n: node_t do exists s: slot_t do at[n][s].state != 0 &
    ((exists i := 0 to REFS - 1 do at[n][s].ref[i] = client end) |
     (exists l := 0 to LISTS - 1 do list_find(n, s, l, client) != LINKS end)) end end;
end;

invariant "nothing is left under way where nothing can go on"
  (forall n: node_t do
    (forall b: node_t do channel[n][b].count = 0 end) &
    park[n].count = 0 &
    (forall s: slot_t do at[n][s].pending = 0 & is_rest(slot_machine(s), at[n][s].state) end) &
    (forall c: client_t do flight[n][c].event = 0 | waits(ref(n, K_CLIENT + c)) end) end) | busy();

-- ---- the clients' rules and the family's invariants ----
-- @rules
