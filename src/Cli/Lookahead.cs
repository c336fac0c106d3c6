namespace Handwritten.Cli;

/// <summary>
/// Goes through a sequence ahead of its reader, on a thread of its own, so that what takes the machine's other parts (files,
/// decoders of sound) is done while the model computes. It pauses when it is far enough ahead.
/// </summary>
internal sealed class Lookahead<T> : IDisposable
{
    private readonly Queue<T> _ready = [];
    private readonly Func<T, double> _weigh;
    private readonly double _most;
    private readonly Task _work;
    private double _weight;
    private bool _ended, _stopped;

    /// <summary>Begins.</summary>
    /// <param name="source">The sequence; enumerated once, on another thread.</param>
    /// <param name="weigh">What an element weighs while it waits.</param>
    /// <param name="most">No further element is made while those that wait weigh this much.</param>
    public Lookahead(IEnumerable<T> source, Func<T, double> weigh, double most)
    {
        (_weigh, _most) = (weigh, most);
        _work = Task.Run(() => Produce(source));
    }

    /// <summary>Takes the next element, waiting for it if need be.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryTake(out T element)
    {
        lock (_ready)
        {
            while (_ready.Count == 0 && !_ended)
            {
                Monitor.Wait(_ready);
            }

            if (_ready.TryDequeue(out element!))
            {
                _weight -= _weigh(element);
                Monitor.PulseAll(_ready);
                return true;
            }
        }

        // What went wrong in the sequence goes wrong here.
        _work.GetAwaiter().GetResult();
        return false;
    }

    /// <summary>Makes no further element; one that is being made is left to itself.</summary>
    public void Dispose()
    {
        lock (_ready)
        {
            _stopped = true;
            Monitor.PulseAll(_ready);
        }
    }

    private void Produce(IEnumerable<T> source)
    {
        try
        {
            foreach (T element in source)
            {
                lock (_ready)
                {
                    _ready.Enqueue(element);
                    _weight += _weigh(element);
                    Monitor.PulseAll(_ready);
                    while (_weight >= _most && !_stopped)
                    {
                        Monitor.Wait(_ready);
                    }

                    if (_stopped)
                    {
                        return;
                    }
                }
            }
        }
        finally
        {
            lock (_ready)
            {
                _ended = true;
                Monitor.PulseAll(_ready);
            }
        }
    }
}
