using System.Diagnostics.CodeAnalysis;

namespace Handwritten.Runtime.Serving;

/// <summary>Something that waits for its turn.</summary>
/// <param name="Priority">Who waits for it.</param>
/// <param name="Client">Whose it is.</param>
/// <param name="Left">How many turns it needs in all: windows that are left of the recording.</param>
public readonly record struct TurnClaim(RequestPriority Priority, string Client, int Left);

/// <summary>
/// Whose turn it is: who gets the next audio window, or whose recording is decoded next. A turn is the unit of work. For the
/// engine it is a window: whatever that holds, the encoder takes the same time for it.
/// <code>
///     live before interactive before bulk
///       └─ the client that has had least
///            └─ the recording of which least is left: short work overtakes
///                 └─ who waited longest
///     but of eight turns one goes to whoever has waited longest of all, so that nobody waits for ever
/// </code>
/// A client's share is counted as in start-time fair queueing: each turn moves the client's clock on by one; a client that
/// comes anew starts at the clock of the one served last, so that nobody saves up turns while away. Source: Goyal, Vin and
/// Cheng, "Start-time Fair Queuing", 1996, with turns for packets.
/// </summary>
/// <typeparam name="T">What waits.</typeparam>
public sealed class FairTurns<T>
    where T : class
{
    private const int TurnsToTheEldest = 8;
    private const int MostClocks = 64;

    private readonly List<Entry> _waiting = [];
    private readonly Dictionary<(RequestPriority, string), long> _clocks = [];
    private readonly long[] _now = new long[Enum.GetValues<RequestPriority>().Length];
    private long _arrivals;
    private int _turn;

    /// <summary>How many wait.</summary>
    public int Count => _waiting.Count;

    /// <summary>Those who wait, in the order of their coming.</summary>
    public IEnumerable<T> Items => _waiting.Select(entry => entry.Item);

    /// <summary>Lets somebody wait.</summary>
    public void Add(T item, TurnClaim claim) => _waiting.Add(new Entry(item, claim, _arrivals++));

    /// <summary>Lets nobody wait any more for whom something holds.</summary>
    public void RemoveAll(Predicate<T> condition) => _waiting.RemoveAll(entry => condition(entry.Item));

    /// <summary>Takes whose turn it is out of the queue.</summary>
    /// <param name="mayGo">Who can be given a turn at all.</param>
    /// <param name="item">Whose turn it is.</param>
    /// <returns>False if nobody is waiting who may go.</returns>
    public bool TryTake(Func<T, TurnClaim, bool> mayGo, [MaybeNullWhen(false)] out T item)
    {
        Entry[] candidates = [.. _waiting.Where(entry => mayGo(entry.Item, entry.Claim))];
        if (candidates.Length == 0)
        {
            item = null;
            return false;
        }

        _turn++;
        Entry chosen = _turn % TurnsToTheEldest == 0
            ? candidates.MinBy(entry => entry.Arrival)
            : candidates.MinBy(entry => (entry.Claim.Priority, Clock(entry.Claim), entry.Claim.Left, entry.Arrival));
        _waiting.Remove(chosen);
        MoveClock(chosen.Claim);
        item = chosen.Item;
        return true;
    }

    private long Clock(TurnClaim claim) =>
        Math.Max(_now[(int)claim.Priority], _clocks.GetValueOrDefault((claim.Priority, claim.Client)));

    private void MoveClock(TurnClaim claim)
    {
        long clock = Clock(claim);
        _now[(int)claim.Priority] = clock;
        _clocks[(claim.Priority, claim.Client)] = clock + 1;

        // Clients come and go: those who are not waiting start at the common clock when they come again.
        if (_clocks.Count > MostClocks + (2 * _waiting.Count))
        {
            HashSet<(RequestPriority, string)> present = [.. _waiting.Select(entry => (entry.Claim.Priority, entry.Claim.Client))];
            foreach ((RequestPriority, string) client in _clocks.Keys.Where(client => !present.Contains(client)).ToArray())
            {
                _clocks.Remove(client);
            }
        }
    }

    private readonly record struct Entry(T Item, TurnClaim Claim, long Arrival);
}
