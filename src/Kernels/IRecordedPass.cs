namespace Handwritten.Kernels;

/// <summary>Operations that were recorded once and run again and again, as a step of the decoder is.</summary>
public interface IRecordedPass : IDisposable
{
    /// <summary>Runs them.</summary>
    void Run();
}

/// <summary>For a back end that gains nothing by recording.</summary>
internal sealed class RepeatedAction(Action pass) : IRecordedPass
{
    public void Run() => pass();

    public void Dispose()
    {
    }
}
