namespace Handwritten.Kernels;

/// <summary>Operations that were recorded once and run again and again, as a step of the decoder is.</summary>
public interface IRecordedPass : IDisposable
{
    /// <summary>
    /// How many runs to ask for before looking at what came of them: 1 where a run has ended when the call returns, more
    /// where looking means waiting for the device.
    /// </summary>
    int RunsAhead { get; }

    /// <summary>Runs them.</summary>
    void Run();
}

/// <summary>For a back end that gains nothing by recording.</summary>
internal sealed class RepeatedAction(Action pass) : IRecordedPass
{
    public int RunsAhead => 1;

    public void Run() => pass();

    public void Dispose()
    {
    }
}
